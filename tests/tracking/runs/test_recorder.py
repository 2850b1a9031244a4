"""Effects, read back through a client of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tracking import (
    DatasetRecord,
    EpochRecord,
    MlflowRecorder,
    ModelFolder,
    Store,
    StudyRecord,
    TrackingError,
    TrialRecord,
)

Make = Callable[..., TrialRecord]


def _client(store: Store) -> Any:
    from mlflow.tracking import MlflowClient

    return MlflowClient(store.tracking_uri)


def _files(store: Store, run_id: str, path: str | None = None) -> list[str]:
    return sorted(found.path for found in _client(store).list_artifacts(run_id, path))


def test_a_study_is_an_experiment_with_a_run(
    recorder: MlflowRecorder, store: Store, study: StudyRecord, dataset: DatasetRecord
) -> None:
    started = recorder.start_study(study)
    client = _client(store)
    experiment = client.get_experiment_by_name("movies")
    assert experiment.experiment_id == started.experiment_id
    assert experiment.artifact_location == (store.artifacts / "movies").as_uri()
    run = client.get_run(started.parent_run_id)
    tags = run.data.tags
    assert run.info.status == "RUNNING"
    assert run.info.run_name == "movies"
    assert tags["trialbook.study"] == "movies"
    assert tags["trialbook.role"] == "study"
    assert tags["trialbook.data_hash"] == dataset.content_hash
    assert tags["mlflow.note.content"] == "What is searched."
    assert tags["mlflow.source.git.commit"] == "abc123"
    assert _files(store, run.info.run_id) == ["study.toml"]
    (given,) = run.inputs.dataset_inputs
    assert given.dataset.digest == dataset.content_hash[:36]
    profile = json.loads(given.dataset.profile)
    assert profile["rows"] == 1000
    assert profile["content_hash"] == dataset.content_hash


def test_a_study_started_again_goes_on_in_the_same_run(
    recorder: MlflowRecorder, store: Store, study: StudyRecord
) -> None:
    first = recorder.start_study(study)
    recorder.finish_study(first, status="KILLED")
    assert _client(store).get_run(first.parent_run_id).info.status == "KILLED"
    again = MlflowRecorder(store).start_study(replace(study, description="More."))
    assert again.parent_run_id == first.parent_run_id
    run = _client(store).get_run(first.parent_run_id)
    assert run.info.status == "RUNNING"
    assert run.data.tags["mlflow.note.content"] == "More."


def test_a_study_whose_beginning_was_cut_short_gets_its_ratings_with_its_trials(
    recorder: MlflowRecorder, store: Store, study: StudyRecord, make_trial: Make
) -> None:
    bare = recorder.start_study(replace(study, dataset=None))
    again = MlflowRecorder(store)
    assert again.start_study(study).parent_run_id == bare.parent_run_id
    trial = again.start_trial(make_trial(state="running"))
    for run_id in (bare.parent_run_id, trial):
        assert len(_client(store).get_run(run_id).inputs.dataset_inputs) == 1


def test_a_study_put_into_the_bin_comes_back_when_it_goes_on(
    recorder: MlflowRecorder, store: Store, study: StudyRecord
) -> None:
    first = recorder.start_study(study)
    _client(store).delete_experiment(first.experiment_id)
    assert recorder.start_study(study).parent_run_id == first.parent_run_id


@pytest.mark.parametrize("name", ["it's", "a/b c", "фильмы", "10% #1?"])
def test_any_name_makes_a_study_with_a_folder_of_its_own(
    recorder: MlflowRecorder, store: Store, make_trial: Make, name: str
) -> None:
    first = recorder.start_study(StudyRecord(name=name, study_file="x = 1"))
    again = MlflowRecorder(store).start_study(StudyRecord(name=name))
    assert again.parent_run_id == first.parent_run_id
    assert _files(store, str(first.parent_run_id)) == ["study.toml"]
    run_id = MlflowRecorder(store).start_trial(make_trial(1, study=name))
    assert _client(store).get_run(run_id).data.tags["mlflow.parentRunId"] == first.parent_run_id
    (folder,) = store.artifacts.iterdir()
    assert folder.parent == store.artifacts


def test_a_trial_starts_below_its_study_with_real_values(
    recorder: MlflowRecorder, store: Store, study: StudyRecord, make_trial: Make
) -> None:
    parent = recorder.start_study(study).parent_run_id
    params = {"learning_rate": 0.001, "bias": True, "size": 16, "extra": None, "odd(name)": "x"}
    # Another process: it has not started the study, so it has to find it.
    other = MlflowRecorder(store)
    run_id = other.start_trial(make_trial(7, params=params, tags={"trialbook.seed": "5"}))
    run = _client(store).get_run(run_id)
    assert run.info.status == "RUNNING"
    assert run.info.run_name == "t007 learning_rate=0.001 bias=True"
    assert run.data.params == {
        "learning_rate": "0.001",
        "bias": "True",
        "size": "16",
        "extra": "None",
        "odd_name_": "x",
    }
    wanted = {
        "mlflow.parentRunId": parent,
        "trialbook.study": "movies",
        "trialbook.number": "7",
        "trialbook.role": "trial",
        "trialbook.state": "running",
        "trialbook.seed": "5",
        "mlflow.source.type": "LOCAL",
    }
    assert wanted.items() <= run.data.tags.items()
    assert [given.dataset.name for given in run.inputs.dataset_inputs] == ["sample"]


def test_the_baseline_is_called_so(
    recorder: MlflowRecorder, store: Store, study: StudyRecord, make_trial: Make
) -> None:
    recorder.start_study(study)
    run_id = recorder.start_trial(make_trial(0, tags={"trialbook.baseline": "true"}))
    assert _client(store).get_run(run_id).info.run_name == "t000 baseline"


def test_a_trial_without_a_study_is_refused(recorder: MlflowRecorder, make_trial: Make) -> None:
    with pytest.raises(TrackingError, match="Start the study first"):
        recorder.start_trial(make_trial(0, study="nobody"))


def test_long_values_and_many_params_are_cut_not_lost(
    recorder: MlflowRecorder, store: Store, study: StudyRecord, make_trial: Make
) -> None:
    recorder.start_study(study)
    many: dict[str, Any] = {f"p{i}": i for i in range(150)} | {"long": "x" * 7000}
    run_id = recorder.start_trial(make_trial(1, params=many, tags={"t": "y" * 9000}))
    run = _client(store).get_run(run_id)
    assert len(run.data.params) == 151
    assert run.data.params["long"].endswith(" ...")
    assert len(run.data.params["long"]) == 6000
    assert len(run.data.tags["t"]) == 8000


def test_epochs_are_histories_and_writing_them_twice_adds_nothing(
    recorder: MlflowRecorder, store: Store, study: StudyRecord, make_trial: Make
) -> None:
    recorder.start_study(study)
    run_id = recorder.start_trial(make_trial(1))
    rows = [
        EpochRecord(epoch=i, seconds=0.25, metrics={"loss": 2.0 / i, "val_rmse": 1.0 / i})
        for i in range(1, 401)  # 1,200 values: more than one batch
    ]
    recorder.epochs(run_id, rows[:1])
    recorder.epochs(run_id, rows)
    MlflowRecorder(store).epochs(run_id, rows[5:9])
    history = _client(store).get_metric_history(run_id, "val_rmse")
    assert [(point.step, point.value) for point in history] == [(i, 1 / i) for i in range(1, 401)]
    assert _client(store).get_run(run_id).data.metrics["time/epoch_seconds"] == 0.25
    assert recorder.curve(run_id)[399] == rows[399]


def test_a_curve_and_figures_of_an_earlier_version_are_read(
    recorder: MlflowRecorder, store: Store, study: StudyRecord, make_trial: Make
) -> None:
    recorder.start_study(study)
    run_id = recorder.start_trial(make_trial(1))
    client = _client(store)
    for name, value in (("epoch_seconds", 0.25), ("val_rmse", 1.0), ("time/out", 3.0)):
        client.log_metric(run_id, name, value, step=1)
    client.log_metric(run_id, "seconds_train", 2.0)
    (epoch,) = recorder.curve(run_id)
    assert (epoch.seconds, epoch.metrics) == (0.25, {"val_rmse": 1.0, "time/out": 3.0})
    assert recorder.metric(run_id, "seconds_train") == 2.0
    client.log_metric(run_id, "time/seconds_train", 4.0)
    client.log_metric(run_id, "memory/peak_memory_mb", 7.0)
    assert recorder.metric(run_id, "peak_memory_mb") == 7.0


def test_a_complete_trial_is_finished_and_shows_its_best_value(
    recorder: MlflowRecorder, store: Store, study: StudyRecord, make_trial: Make, tmp_path: Path
) -> None:
    recorder.start_study(study)
    run_id = recorder.start_trial(make_trial(2))
    folder = tmp_path / "files"
    folder.mkdir()
    for name in ("config.json", "history.csv", "log.txt"):
        (folder / name).write_text(name)
    done = make_trial(2, 0.9, run_id=run_id, end_reason="early_stopping")
    recorder.epochs(run_id, done.epochs)
    recorder.finish_trial(done, folder=folder)
    run = _client(store).get_run(run_id)
    assert run.info.status == "FINISHED"
    assert run.info.run_name.startswith("t002 0.")
    assert run.info.end_time >= run.info.start_time
    assert run.data.metrics["best_val_rmse"] == 0.9
    assert run.data.metrics["val_rmse"] == pytest.approx(1.0)
    assert run.data.tags["trialbook.end_reason"] == "early_stopping"
    assert _files(store, run_id) == ["config.json", "history.csv", "log.txt"]
    assert recorder.model_uri(run_id) is None


@pytest.mark.parametrize(
    ("state", "status"), [("pruned", "KILLED"), ("failed", "FAILED"), ("killed", "KILLED")]
)
def test_other_ends_never_look_finished(
    recorder: MlflowRecorder,
    store: Store,
    study: StudyRecord,
    make_trial: Make,
    state: str,
    status: str,
) -> None:
    recorder.start_study(study)
    run_id = recorder.start_trial(make_trial(4))
    record = make_trial(4, state=state, end_reason="nan", message="loss is NaN", run_id=run_id)
    recorder.finish_trial(record, folder=None)
    run = _client(store).get_run(run_id)
    assert run.info.status == status
    assert run.info.run_name.startswith("t004 ")
    assert run.info.run_name.endswith(f" ({state})")
    assert run.data.tags["trialbook.state"] == state
    assert run.data.tags["trialbook.message"] == "loss is NaN"
    note = run.data.tags["mlflow.note.content"]
    assert note.startswith("`loss is NaN`\n\n")
    assert "failed, since its loss or metric is no number." in note
    assert ("trialbook reproduce" in note) == (state == "pruned")
    assert "best_val_rmse" not in run.data.metrics


def test_an_abandoned_run_is_killed_once_and_an_ended_one_is_left_alone(
    recorder: MlflowRecorder, store: Store, study: StudyRecord, make_trial: Make
) -> None:
    recorder.start_study(study)
    open_run, ended = recorder.start_trial(make_trial(1)), recorder.start_trial(make_trial(2))
    recorder.finish_trial(make_trial(2, 0.9, run_id=ended), folder=None)
    killed_at = make_trial(1, state="killed", end_reason="interrupted", run_id=open_run)
    for _ in range(2):
        recorder.kill_trial(killed_at)
        recorder.kill_trial(make_trial(2, state="killed", run_id=ended))
    killed = _client(store).get_run(open_run)
    assert killed.info.status == "KILLED"
    assert killed.info.run_name.endswith("(killed)")
    assert killed.data.tags["trialbook.end_reason"] == "interrupted"
    assert _client(store).get_run(ended).info.status == "FINISHED"


def test_the_epochs_of_an_open_run_read_back_as_they_were_written(
    recorder: MlflowRecorder, study: StudyRecord, make_trial: Make
) -> None:
    recorder.start_study(study)
    run_id = recorder.start_trial(make_trial(1))
    epochs = tuple(
        EpochRecord(epoch=n, seconds=0.5, metrics={"loss": 3.0 / n, "val_rmse": 2.0 / n})
        for n in (1, 2, 3)
    )
    recorder.epochs(run_id, epochs[:2])
    recorder.epochs(run_id, epochs[1:])
    assert recorder.curve(run_id) == epochs
    assert recorder.curve("0" * 32) == ()


def test_a_study_that_broke_is_closed_as_it_is_and_an_ended_one_is_left_alone(
    recorder: MlflowRecorder, store: Store, study: StudyRecord
) -> None:
    parent = str(recorder.start_study(study).parent_run_id)
    for status in ("FAILED", "KILLED"):
        recorder.end_study(parent, status=status)
    assert _client(store).get_run(parent).info.status == "FAILED"


def test_a_trial_without_a_run_cannot_be_finished(
    recorder: MlflowRecorder, make_trial: Make
) -> None:
    with pytest.raises(TrackingError, match="Start it first"):
        recorder.finish_trial(make_trial(1, 0.9), folder=None)


def test_a_study_ends_with_a_leaderboard_figures_and_a_summary(
    recorder: MlflowRecorder, store: Store, study: StudyRecord, make_trial: Make
) -> None:
    started = recorder.start_study(study)
    trials = tuple(make_trial(i, 0.9 + 0.01 * i) for i in range(12))
    ends = (make_trial(12, state="pruned"), make_trial(13, state="failed"))
    record = replace(started, trials=trials + ends, importances={"learning_rate": 1.0})
    recorder.finish_study(record, status="FINISHED")
    run = _client(store).get_run(started.parent_run_id)
    assert run.info.status == "FINISHED"
    assert run.data.metrics == {
        "best_val_rmse": 0.9,
        "best_trial": 0.0,
        "n_complete": 12.0,
        "n_pruned": 1.0,
        "n_refused": 0.0,
        "n_failed": 1.0,
        "n_killed": 0.0,
    }
    tables = json.loads(run.data.tags["mlflow.loggedArtifacts"])
    assert tables == [{"path": "leaderboard.json", "type": "table"}]
    note = run.data.tags["mlflow.note.content"]
    assert note.startswith("What is searched.")
    assert "trialbook reproduce movies:0" in note
    assert "| 10 | 9 | 0.99000 | 2 |" in note
    assert "| 11 |" not in note
    assert _files(store, run.info.run_id) == [
        "leaderboard.csv",
        "leaderboard.json",
        "plots",
        "report.html",
        "study.toml",
    ]
    names = ("history", "importances", "learning_curves", "parallel_coordinates", "slice")
    wanted = [f"plots/{name}.png" for name in names]
    assert _files(store, run.info.run_id, "plots") == sorted(wanted)


@pytest.mark.slow
def test_a_deleted_study_is_gone_with_its_files_and_others_are_not(
    recorder: MlflowRecorder,
    store: Store,
    study: StudyRecord,
    make_trial: Make,
    model_folder: ModelFolder,
) -> None:
    other = recorder.start_study(StudyRecord(name="other", study_file="x = 1"))
    binned = recorder.start_trial(make_trial(0, study="other"))
    hidden = recorder.start_trial(make_trial(1, study="other"))
    done = make_trial(1, 0.9, study="other", run_id=hidden)
    recorder.finish_trial(done, folder=None, models=[model_folder])
    client = _client(store)
    hidden_model = str(recorder.model_uri(hidden)).removeprefix("models:/")
    client.delete_run(binned)
    client.delete_logged_model(hidden_model)
    started = recorder.start_study(study)
    run_id = recorder.start_trial(make_trial(1))
    recorder.finish_trial(make_trial(1, 0.9, run_id=run_id), folder=None, models=[model_folder])
    assert (store.artifacts / "movies").is_dir()

    assert recorder.delete_study(started) == 0

    from mlflow.entities import ViewType

    assert not (store.artifacts / "movies").exists()
    names = {e.name for e in client.search_experiments(view_type=ViewType.ALL)}
    assert names == {"Default", "other"}
    assert recorder.find_run(run_id) is None
    assert recorder.find_run(str(started.parent_run_id)) is None
    # What others have put into the bin can still be taken out of it.
    client.restore_run(binned)
    assert _files(store, str(other.parent_run_id)) == ["study.toml"]
    assert list((store.artifacts / "other" / "models").iterdir()) != []
    again = recorder.start_study(study)
    assert again.parent_run_id != started.parent_run_id
    assert client.search_logged_models([again.experiment_id]) == []
    assert len(client.search_runs([again.experiment_id])) == 1
    empty = recorder.start_study(StudyRecord(name="empty"))
    recorder.delete_study(empty)
    assert client.get_experiment_by_name("empty") is None


def test_a_study_is_deleted_by_its_identifiers_and_others_runs_stay(
    recorder: MlflowRecorder,
    store: Store,
    study: StudyRecord,
    make_trial: Make,
    model_folder: ModelFolder,
) -> None:
    """The experiment of the study `movies` is named `3`; a stranger's run lies in it."""
    client = _client(store)
    started = recorder.start_study(study)
    run_id = recorder.start_trial(make_trial(1))
    recorder.finish_trial(make_trial(1, 0.9, run_id=run_id), folder=None, models=[model_folder])
    experiment_id = str(started.experiment_id)
    stranger = client.create_run(experiment_id, run_name="not ours").info.run_id
    client.log_text(stranger, "kept", "note.txt")
    theirs = client.create_logged_model(experiment_id, "theirs", source_run_id=stranger).model_id
    client.rename_experiment(experiment_id, "renamed")
    other = recorder.start_study(StudyRecord(name=experiment_id))  # its name is that identifier
    assert recorder.delete_study(started) == 1
    assert recorder.find_run(run_id) is None
    assert recorder.find_run(str(started.parent_run_id)) is None
    assert [r.info.run_id for r in client.search_runs([experiment_id])] == [stranger]
    assert _files(store, stranger) == ["note.txt"]
    assert client.get_logged_model(theirs).model_id == theirs
    assert not list(store.artifacts.rglob("offset.txt"))
    assert recorder.find_run(str(other.parent_run_id)) is not None


@pytest.mark.parametrize("what", ["model", pytest.param("trace", marks=pytest.mark.slow)])
def test_what_others_made_without_a_run_in_the_experiment_stays(
    recorder: MlflowRecorder, store: Store, study: StudyRecord, make_trial: Make, what: str
) -> None:
    """A model that was logged without a run, or a trace, lies in the study's experiment."""
    from mlflow.entities import TraceInfo, TraceLocation, TraceState

    client = _client(store)
    started = recorder.start_study(study)
    run_id = recorder.start_trial(make_trial(1))
    experiment_id = str(started.experiment_id)
    if what == "model":
        client.create_logged_model(experiment_id, "theirs")
    else:
        place = TraceLocation.from_experiment_id(experiment_id)
        client._tracing_client.start_trace(
            TraceInfo(trace_id="tr-1", trace_location=place, request_time=1, state=TraceState.OK)
        )
    assert recorder.delete_study(started) == 1
    assert recorder.find_run(run_id) is None
    assert client.search_runs([experiment_id]) == []
    names = [model.name for model in client.search_logged_models([experiment_id])]
    assert names == ["theirs"] * (what == "model")
    assert len(client.search_traces([experiment_id], include_spans=False)) == (what == "trace")


def test_a_study_whose_record_is_elsewhere_is_not_deleted_here(
    recorder: MlflowRecorder, store: Store, study: StudyRecord
) -> None:
    """Another database has another study under the same number of an experiment."""
    mine = recorder.start_study(study)
    elsewhere = replace(mine, name="beta", parent_run_id="f" * 32)
    with pytest.raises(TrackingError, match=r"'beta' has no run f{32} in .*`--tracking-uri`"):
        recorder.delete_study(elsewhere)
    with pytest.raises(TrackingError, match=r"'beta' has no run"):
        recorder.delete_study(replace(mine, name="beta"))
    assert recorder.find_run(str(mine.parent_run_id)) is not None


def test_a_run_reads_back_in_plain_types(
    recorder: MlflowRecorder, study: StudyRecord, make_trial: Make, tmp_path: Path
) -> None:
    recorder.start_study(study)
    run_id = recorder.start_trial(make_trial(1))
    recorder.finish_trial(make_trial(1, 0.9, run_id=run_id), folder=None)
    found = recorder.find_run(run_id)
    assert found is not None
    assert json.loads(json.dumps(found)) == found
    assert found["status"] == "FINISHED"
    assert found["params"] == {"learning_rate": "0.02", "size": "8"}
    assert recorder.metric(run_id, "best_val_rmse") == 0.9
    assert recorder.metric(run_id, "nothing") is None
    (tmp_path / "both.png").write_bytes(b"png")
    recorder.log_picture(run_id, tmp_path / "both.png")
    assert _files(recorder.store, run_id) == ["both.png"]


@pytest.mark.parametrize("code", ["INTERNAL_ERROR", "INVALID_PARAMETER_VALUE"])
def test_a_failure_to_ask_is_not_taken_for_an_unknown_run(
    recorder: MlflowRecorder, store: Store, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    from mlflow.exceptions import MlflowException
    from mlflow.protos.databricks_pb2 import ErrorCode

    def fail(*_: object) -> None:
        raise MlflowException("the server is down", error_code=ErrorCode.Value(code))

    monkeypatch.setattr("mlflow.tracking.MlflowClient.get_run", fail)
    with pytest.raises(MlflowException, match="down"):
        recorder.find_run("0" * 32)
    with pytest.raises(MlflowException, match="down"):
        recorder.model_uri("0" * 32)


@pytest.mark.slow
def test_three_processes_write_to_one_study_at_once(store: Store) -> None:
    code = """
import sys
from pathlib import Path
from tracking import EpochRecord, MlflowRecorder, Store, StudyRecord, TrialRecord
store = Store(Path(sys.argv[1]))
store.prepare()
recorder = MlflowRecorder(store)
recorder.start_study(StudyRecord(name="movies"))
for number in range(4):
    run = recorder.start_trial(TrialRecord(study="movies", number=number, params={"x": number}))
    for epoch in range(1, 11):
        row = EpochRecord(epoch=epoch, seconds=0.1, metrics={"val_rmse": 1 / epoch})
        recorder.epochs(run, [row])
    done = TrialRecord(
        study="movies", number=number, params={}, state="complete", value=0.1, run_id=run
    )
    recorder.finish_trial(done, folder=None)
"""
    root = Path(__file__).resolve().parents[3]
    environment = {**os.environ, "PYTHONPATH": str(root)}
    command = [sys.executable, "-c", code, str(store.home)]
    running = [
        subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    assert [process.communicate(timeout=120)[1] for process in running] == [""] * 3
    client = _client(store)
    runs = client.search_runs([client.get_experiment_by_name("movies").experiment_id])
    roles = sorted(run.data.tags["trialbook.role"] for run in runs)
    assert roles == ["study"] + ["trial"] * 12
    assert {r.info.status for r in runs if r.data.tags["trialbook.role"] == "trial"} == {"FINISHED"}
    trial = next(run for run in runs if run.data.tags["trialbook.role"] == "trial")
    assert len(client.get_metric_history(trial.info.run_id, "val_rmse")) == 10
