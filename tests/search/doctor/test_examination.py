"""A home in which something is wrong, and what `trialbook doctor` makes of it."""

from __future__ import annotations

import contextlib
import csv
import json
import sqlite3
from pathlib import Path
from typing import Any

import optuna
import pytest
from calling import Here, call
from stores import disagreements

from search.storage.claims.leases import leases_of
from search.storage.claims.owner import me
from search.storage.study_attributes import verdict_of, write_verdict
from search.storage.trial_attributes import Key
from search.verdict.verdict import Candidate, TestScore, Verdict
from tracking import Store
from tracking.spool.box import Box
from tracking.spool.entries import Entry, Kind

TRIALS = 3  # of the fixture `ill`


def _ill(home: Path) -> list[str]:
    return disagreements(home, "ill", TRIALS)


def _trials(home: Path) -> list[optuna.trial.FrozenTrial]:
    return optuna.load_study(study_name="ill", storage=f"sqlite:///{home}/optuna.db").trials


def _run_of(home: Path, number: int) -> str:
    return str(_trials(home)[number].user_attrs[Key.RUN])


def test_nothing_is_wrong_after_a_study(ill: Path, here: Here) -> None:
    assert _ill(ill) == []
    assert here("doctor", "--home", str(ill)) == {"findings": [], "left": 0, "busy": []}


@pytest.mark.parametrize("what", ["run", "experiment"])
def test_a_study_in_mlflows_bin_is_taken_out_of_it_and_no_run_is_made_twice(
    what: str, ill: Path, here: Here
) -> None:
    client = Store(ill).client()
    experiment = client.get_experiment_by_name("ill")
    (own,) = client.search_runs([experiment.experiment_id], "tags.`trialbook.role` = 'study'")
    before = {run.info.run_id for run in client.search_runs([experiment.experiment_id])}
    if what == "run":
        client.delete_run(own.info.run_id)
        found = here("doctor", "--home", str(ill), code=1)["findings"]
        assert [each["text"] for each in found] == ["Its own run is in MLflow's bin."]
    else:
        client.delete_experiment(experiment.experiment_id)
    fixed = here("doctor", "--fix", "--home", str(ill))
    assert fixed["left"] == 0
    assert fixed["findings"]
    assert _ill(ill) == []
    assert {run.info.run_id for run in client.search_runs([experiment.experiment_id])} == before
    assert here("doctor", "--home", str(ill)) == {"findings": [], "left": 0, "busy": []}


def test_a_run_that_is_made_again_has_its_times_and_is_told_to_lack_its_model(
    ill: Path, here: Here
) -> None:
    client = Store(ill).client()
    best = min(_trials(ill), key=lambda each: each.value or 9.0).number
    client.delete_run(_run_of(ill, best))
    trial = _trials(ill)[best]
    fixed = here("doctor", "--fix", "--home", str(ill), code=1)
    told = [each["text"] for each in fixed["findings"] if not each["is_mended"]]
    assert len(told) == fixed["left"] == 1
    assert told[0].startswith(f"Trial {best} has no model in its run.")
    run = client.get_run(_run_of(ill, best))
    assert trial.datetime_start is not None
    assert trial.datetime_complete is not None
    assert run.info.start_time == int(trial.datetime_start.timestamp() * 1000)
    assert run.info.end_time == int(trial.datetime_complete.timestamp() * 1000)


def test_to_look_for_a_lost_database_of_mlflow_makes_none(ill: Path, here: Here) -> None:
    for path in ill.glob("mlflow.db*"):
        path.unlink()
    before = {each.name for each in ill.iterdir()}
    found = here("doctor", "--home", str(ill), code=1)["findings"]
    assert [each["text"] for each in found] == [
        f"Trial {number} (complete) has no run." for number in range(TRIALS)
    ]
    open_ones = {"optuna.db-shm", "optuna.db-wal"}  # while this process has it open
    assert {each.name for each in ill.iterdir()} - open_ones == before - open_ones


@pytest.mark.slow
def test_a_lost_database_of_mlflow_is_made_anew_from_optunas(ill: Path) -> None:
    """In processes of their own: MLflow goes on with a database that is gone while it is open."""
    before = Store(ill).client().get_run(_run_of(ill, 1)).data
    moved = ill.rename(ill.with_name("moved"))
    for path in moved.glob("mlflow.db*"):
        path.unlink()
    found = json.loads(call("doctor", "ill", "--home", str(moved), "--json", code=1).stdout)
    assert [each["text"] for each in found["findings"]] == [
        f"Trial {number} (complete) has no run." for number in range(TRIALS)
    ]
    call("doctor", "ill", "--fix", "--home", str(moved), code=1)  # the models are lost
    assert _ill(moved) == []
    after = Store(moved).client().get_run(_run_of(moved, 1)).data
    assert after.params == before.params
    assert after.metrics == pytest.approx(before.metrics, abs=1e-4)  # of seconds four digits


def test_a_run_that_goes_on_is_ended_and_one_with_another_value_corrected(
    ill: Path, here: Here
) -> None:
    client = Store(ill).client()
    client.update_run(_run_of(ill, 0), status="RUNNING")
    client.log_metric(_run_of(ill, 2), "best_val_rmse", 9.0)
    told = [each["text"] for each in here("doctor", "--home", str(ill), code=1)["findings"]]
    assert told[0] == "Trial 0 has ended (complete), but its run goes on."
    assert told[1].endswith("but its run says 9.")
    assert len(_ill(ill)) == 2
    here("doctor", "--fix", "--home", str(ill))
    assert _ill(ill) == []


def test_a_second_run_of_a_trial_goes_into_the_bin(ill: Path, here: Here) -> None:
    client = Store(ill).client()
    first = client.get_run(_run_of(ill, 1))
    tags = {k: v for k, v in first.data.tags.items() if not k.startswith("mlflow.run")}
    second = client.create_run(first.info.experiment_id, tags=tags).info.run_id
    assert _ill(ill) == ["trial 1 has 2 runs"]
    (found,) = here("doctor", "--fix", "--home", str(ill))["findings"]
    assert found["text"] == f"Trial 1 has a second run, {second}."
    assert _ill(ill) == []
    assert client.get_run(second).info.lifecycle_stage == "deleted"


def test_a_run_that_a_trial_does_not_name_is_named(ill: Path, here: Here) -> None:
    with sqlite3.connect(ill / "optuna.db") as connection:
        connection.execute("DELETE FROM trial_user_attributes WHERE key = ?", (Key.RUN.value,))
    connection.close()
    assert len(_ill(ill)) == TRIALS
    here("doctor", "--fix", "--home", str(ill))
    assert _ill(ill) == []


def test_what_a_dead_process_left_is_delivered(ill: Path, here: Here) -> None:
    client = Store(ill).client()
    box = Box.make(Store(ill).spool, "ill")
    box.put(Entry(kind=Kind.PARAMETERS, run="ill#1", params={"late": 7}))
    box.close()
    (found,) = here("doctor", "--home", str(ill), code=1)["findings"]
    assert (found["topic"], found["text"]) == ("spool", "1 write of its record wait for MLflow.")
    assert here("doctor", "--fix", "--home", str(ill))["left"] == 0
    assert client.get_run(_run_of(ill, 1)).data.params["late"] == "7"
    assert list(Store(ill).spool.glob("*")) == []


def test_a_run_of_no_trial_is_told_and_left(ill: Path, here: Here) -> None:
    client = Store(ill).client()
    first = client.get_run(_run_of(ill, 1))
    tags = {**first.data.tags, "trialbook.number": "77"}
    client.create_run(first.info.experiment_id, tags=tags)
    found = here("doctor", "--fix", "--home", str(ill), code=1)
    assert found["left"] == 1
    assert "trial 77 that Optuna's storage does not hold" in found["findings"][0]["text"]


def test_a_study_that_nobody_will_close_is_closed(ill: Path, here: Here) -> None:
    client = Store(ill).client()
    parent = client.get_run(_run_of(ill, 0)).data.tags["mlflow.parentRunId"]
    client.update_run(parent, status="RUNNING")
    (found,) = here("doctor", "--home", str(ill), code=1)["findings"]
    assert found["topic"] == "study"
    here("doctor", "--fix", "--home", str(ill))
    assert client.get_run(parent).info.status == "FINISHED"


def _change(database: Path, *statements: str) -> None:
    with contextlib.closing(sqlite3.connect(database)) as connection, connection:
        for statement in statements:
            connection.execute(statement)


def test_parameters_and_epochs_that_a_run_lacks_are_written(ill: Path, here: Here) -> None:
    first, second = _run_of(ill, 0), _run_of(ill, 1)
    _change(
        ill / "mlflow.db",
        f"DELETE FROM params WHERE run_uuid = '{first}' AND key IN ('family', 'epochs', 'l2')",
        f"DELETE FROM metrics WHERE run_uuid = '{second}' AND step > 1",
        f"UPDATE latest_metrics SET step = 1 WHERE run_uuid = '{second}' AND step > 1",
    )
    assert len(_ill(ill)) >= 2
    told = [each["text"] for each in here("doctor", "--home", str(ill), code=1)["findings"]]
    assert len(told) == 2
    assert told[0].startswith("The run of trial 0 lacks the parameters ")
    assert "family" in told[0]
    assert told[1] == "The run of trial 1 lacks epochs after 1 of 2."
    assert here("doctor", "--fix", "--home", str(ill))["left"] == 0
    assert _ill(ill) == []


def test_each_figure_of_an_epoch_the_final_ones_and_the_dataset_are_compared(
    ill: Path, here: Here
) -> None:
    first, second, third = (_run_of(ill, number) for number in range(TRIALS))
    client = Store(ill).client()
    before = client.get_run(first).inputs.dataset_inputs[0].dataset
    ended = client.get_run(first).info.end_time
    _change(
        ill / "mlflow.db",
        f"DELETE FROM inputs WHERE destination_type = 'RUN' AND destination_id = '{first}'",
        f"DELETE FROM metrics WHERE run_uuid = '{first}' AND step = 1 AND key = 'val_rmse'",
        f"UPDATE metrics SET value = 7 WHERE run_uuid = '{second}' AND key LIKE '%seconds_train'",
        f"UPDATE latest_metrics SET value = 7 WHERE run_uuid = '{second}' "
        "AND key LIKE '%seconds_train'",
        f"UPDATE metrics SET value = 7 WHERE run_uuid = '{third}' AND step = 1 "
        "AND key = 'val_rmse'",
    )
    told = [each["text"] for each in here("doctor", "--home", str(ill), code=1)["findings"]]
    assert told[0] == "The run of trial 0 lacks figures of epoch 1 and its dataset."
    assert told[1].startswith("Trial 1 has seconds_train ")
    assert told[1].endswith(", but its run says 7.")
    assert "in epoch 1, but its run says 7. MLflow takes no figure" in told[2]
    assert here("doctor", "--fix", "--home", str(ill), code=1)["left"] == 1
    assert client.get_run(first).inputs.dataset_inputs[0].dataset == before
    assert client.get_run(first).info.end_time == pytest.approx(ended, abs=2000)
    steps = [each.step for each in client.get_metric_history(first, "val_rmse")]
    assert sorted(steps) == [1, 2]  # what was there is not written twice
    client.delete_run(third)
    here("doctor", "--fix", "--home", str(ill), code=1)  # the model of the third is lost
    left = here("doctor", "--home", str(ill), code=1)["findings"]
    assert [each["text"].split(".")[0] for each in left] == ["Trial 2 has no model in its run"]


def _curve(path: str) -> list[list[str]]:
    """The rows without their seconds, which Optuna's storage has rounded."""
    return [row[:-1] for row in csv.reader(Path(path).read_text().splitlines())]


def test_a_run_made_anew_has_the_curve_and_the_configuration(ill: Path, here: Here) -> None:
    client = Store(ill).client()
    first = _run_of(ill, 0)
    curve = _curve(client.download_artifacts(first, "history.csv"))
    client.delete_run(first)
    here("doctor", "--fix", "--home", str(ill), code=1)  # its model is lost
    anew = _run_of(ill, 0)
    assert anew != first
    assert _curve(client.download_artifacts(anew, "history.csv")) == curve
    config = json.loads(Path(client.download_artifacts(anew, "config.json")).read_text())
    assert config["values"] == _trials(ill)[0].user_attrs[Key.PLAN]["values"]
    picture = Path(client.download_artifacts(anew, "learning_curve.png")).read_bytes()
    assert picture.startswith(b"\x89PNG")


def test_what_nobody_can_mend_is_told(ill: Path, here: Here) -> None:
    """MLflow changes no parameter, and Optuna's storage holds no model."""
    best = min(_trials(ill), key=lambda trial: trial.value)
    run = _run_of(ill, best.number)
    _change(
        ill / "mlflow.db",
        f"UPDATE params SET value = 'other' WHERE run_uuid = '{run}' AND key = 'family'",
        f"DELETE FROM inputs WHERE destination_type = 'MODEL_OUTPUT' AND source_id = '{run}'",
    )
    found = here("doctor", "--fix", "--home", str(ill), code=1)
    assert found["left"] == 2
    told = [each["text"] for each in found["findings"]]
    assert "but its run says other" in told[0]
    assert told[1].startswith(f"Trial {best.number} has no model in its run.")


def test_a_closed_trial_that_was_not_queued_again_is_queued(ill: Path, here: Here) -> None:
    study = optuna.load_study(study_name="ill", storage=f"sqlite:///{ill}/optuna.db")
    trial = study.ask()
    values = _trials(ill)[1].user_attrs[Key.PLAN]
    trial.set_user_attr(Key.SLOT.value, 3)
    trial.set_user_attr(Key.PLAN.value, values)
    study.tell(trial, state=optuna.trial.TrialState.FAIL)
    (found, *_) = here("doctor", "--home", str(ill), code=1)["findings"]
    assert found["text"] == "Trial 3 was closed, but its configuration is not queued again."
    here("doctor", "--fix", "--home", str(ill))
    assert _trials(ill)[4].state.name == "WAITING"


def test_the_lease_of_a_process_that_is_no_more_is_ended(ill: Path, here: Here) -> None:
    study = optuna.load_study(study_name="ill", storage=f"sqlite:///{ill}/optuna.db")
    gone = {**me(), "id": "gone", "pid": 2**22 + 1}
    leases_of(study).take(gone, "ill")
    (found,) = here("doctor", "--home", str(ill), code=1)["findings"]
    assert (found["topic"], found["text"]) == ("lease", "It has 1 lease without a living process.")
    assert here("doctor", "--fix", "--home", str(ill))["left"] == 0
    assert leases_of(study).rows("ill") == []


def test_a_home_without_studies_is_in_order_and_stays_empty(tmp_path: Path, here: Here) -> None:
    assert here("doctor", "--home", str(tmp_path / "none"))["findings"] == []
    assert not (tmp_path / "none").exists()


def test_a_failed_trial_that_lost_its_run_gets_its_log_again(ill: Path, here: Here) -> None:
    study = optuna.load_study(study_name="ill", storage=f"sqlite:///{ill}/optuna.db")
    outcome = {"state": "failed", "end_reason": "error", "message": "no", "log": "the traceback"}
    attributes = {
        Key.SLOT.value: 3,
        Key.PLAN.value: _trials(ill)[1].user_attrs[Key.PLAN],
        Key.OUTCOME.value: outcome,
    }
    failed = optuna.trial.TrialState.FAIL
    study.add_trial(optuna.trial.create_trial(state=failed, user_attrs=attributes))
    (found, *_) = here("doctor", "--fix", "--home", str(ill))["findings"]
    assert found["text"] == "Trial 3 (failed) has no run."
    client = Store(ill).client()
    run = client.get_run(_run_of(ill, 3))
    assert run.info.status == "FAILED"
    assert Path(client.download_artifacts(run.info.run_id, "log.txt")).read_text() == (
        "the traceback"
    )


def _decided(home: Path, run_id: str) -> None:
    """Store that trial 1 was decided to be the winner, with a run and a registered model."""
    bars = {"rmse": 0.9, "low": 0.8, "high": 1.0}
    verdict = Verdict(
        study="ill",
        number=1,
        tie=(),
        candidates=(
            Candidate(
                number=1, is_baseline=False, searched=0.88, repeats=(0.89, 0.91), mean=0.9,
                low=0.85, high=0.95, probability=1.0,
            ),
        ),
        test=(
            TestScore(name="winner", p_value=None, repeats=(0.9, 0.9), **bars),
            TestScore(name="biases", p_value=0.001, **bars | {"rmse": 1.25}),
        ),
        seeds=(1, 2),
        opened="2026-11-30T00:00:00+00:00",
        model="ill/1",
        run_id=run_id,
    )  # fmt: skip
    study = optuna.load_study(study_name="ill", storage=f"sqlite:///{home}/optuna.db")
    write_verdict(study, verdict.to_json())


def _verdict(home: Path) -> dict[str, Any]:
    study = optuna.load_study(study_name="ill", storage=f"sqlite:///{home}/optuna.db")
    return verdict_of(study) or {}


def test_the_run_of_a_decided_winner_is_written_again_without_its_model(
    ill: Path, here: Here
) -> None:
    _decided(ill, "0" * 32)
    (found,) = here("doctor", "--home", str(ill), code=1)["findings"]
    assert found["trial"] == 1
    assert "without its model" in found["text"]
    assert "`trialbook winner ill` trains the model again" in found["text"]
    assert here("doctor", "--fix", "--home", str(ill))["left"] == 0
    verdict = _verdict(ill)
    assert verdict["model"] is None
    client = Store(ill).client()
    run = client.get_run(verdict["run_id"])
    assert run.info.status == "FINISHED"
    assert run.data.tags["trialbook.role"] == "winner"
    parent = client.get_run(_run_of(ill, 1)).data.tags["mlflow.parentRunId"]
    assert run.data.tags["mlflow.parentRunId"] == parent
    assert run.data.metrics == {
        "searched_val_rmse": 0.88, "repeated_val_rmse": 0.9, "probability_of_best": 1.0,
        "test_rmse_winner": 0.9, "test_rmse_biases": 1.25,
    }  # fmt: skip
    files = {each.path for each in client.list_artifacts(run.info.run_id)}
    assert files == {"winner.json", "evidence.json", "model_card.md", "winner.png"}
    told = json.loads(Path(client.download_artifacts(run.info.run_id, "winner.json")).read_text())
    assert (told["number"], told["seeds"]) == (1, [1, 2])
    assert here("doctor", "--home", str(ill))["findings"] == []


def test_a_winners_run_in_the_bin_is_told_and_left_with_its_model(ill: Path, here: Here) -> None:
    client = Store(ill).client()
    first = client.get_run(_run_of(ill, 1))
    run_id = client.create_run(first.info.experiment_id).info.run_id
    _decided(ill, run_id)
    assert here("doctor", "--home", str(ill))["findings"] == []
    client.delete_run(run_id)
    found = here("doctor", "--fix", "--home", str(ill), code=1)
    assert found["left"] == 1
    assert f"`mlflow runs restore --run-id {run_id}`" in found["findings"][0]["text"]
    assert _verdict(ill)["run_id"] == run_id
