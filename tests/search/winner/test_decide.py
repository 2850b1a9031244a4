"""A winner from its repeats to the registry."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sqlite3
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from calling import Here

from models.data import load_ratings, split_ratings
from search import SearchError, StudyConfig, run_study
from search.child.messages import Score, Task
from search.executor.supervisor import Supervisor
from search.storage.claims.owner import owner_of
from search.storage.deletion import delete_study
from search.storage.studies import Studies
from search.storage.study_attributes import Key as StudyKey
from search.winner import Steps, find_winner
from tracking import MlflowRecorder, Store

SPACE = {
    "family": "gmf",
    "factors": [1, 2],
    "batch_size": "64",
    "output_activation": "linear",
    "output_bias": "train_mean",
    "optimizer": "adam",
    "learning_rate": 0.02,
    "embedding_rate": 1.0,
    "schedule": "constant",
    "l2_embedding": 1e-4,
    "l2_bias": 1e-5,
    "factor_dropout": 0.0,
}


def _config(name: str, ratings_file: Path, **given: Any) -> StudyConfig:
    """The baseline and a grid of two configurations."""
    return StudyConfig(
        name=name, trials=3, epochs=8, data=str(ratings_file), sampler="grid", space=SPACE,
        keep_models="none", pruner="none", **given,
    )  # fmt: skip


@pytest.fixture(scope="module")
def now() -> list[str]:
    """What was told to be done at the moment, while `decided` was decided."""
    return []


@pytest.fixture(scope="module")
def decided(
    ratings_file: Path, tmp_path_factory: pytest.TempPathFactory, now: list[str]
) -> tuple[dict, list[str], Store]:
    home = tmp_path_factory.mktemp("winner") / "mlruns"
    config = _config("w", ratings_file)
    run_study(config, home=home)
    lines: list[str] = []
    steps = Steps(lines.append, now.append)
    verdict, fresh = find_winner("w", Store(home), top=1, repeats=2, tell=steps)
    assert fresh
    return verdict.to_json(), lines, Store(home)


def test_the_best_and_the_baseline_are_trained_on_the_same_new_seeds(decided: tuple) -> None:
    verdict, lines, _ = decided
    assert [c["is_baseline"] for c in verdict["candidates"]] == [False, True]
    assert all(len(c["repeats"]) == 2 for c in verdict["candidates"])
    assert len(set(verdict["seeds"])) == 2
    assert 42 not in verdict["seeds"]
    winner = verdict["candidates"][0]
    assert winner["number"] == verdict["number"]
    assert winner["mean"] == pytest.approx(np.mean(winner["repeats"]))
    assert winner["low"] < winner["mean"] < winner["high"]
    assert lines.index("Opening the sealed test part, once.") == 4
    assert [s["name"] for s in verdict["test"]] == ["winner", "baseline", "global_mean", "biases"]


def test_each_epoch_is_told_with_its_candidate_and_its_repeat(
    decided: tuple, now: list[str]
) -> None:
    names = [f"trial {decided[0]['number']}", "baseline"]
    trainings = [f"{name}, repeat {count} of 2" for name in names for count in (1, 2)]
    told = [text for text in now if text.rpartition(", epoch ")[0] in trainings]
    epochs = [f"{each}, epoch {epoch} of 8" for each in trainings for epoch in range(1, 9)]
    assert told == epochs
    assert now[0] == "Reading the ratings …"
    assert now[-1] == "Registering the model …"


def test_the_registered_model_has_the_error_that_was_told(
    decided: tuple, monkeypatch: pytest.MonkeyPatch
) -> None:
    verdict, _, store = decided
    assert verdict["model"] == "w/1"
    client = store.client()
    version = client.get_model_version_by_alias("w", "winner")
    assert str(version.version) == "1"
    assert "SHA-256" in version.description
    monkeypatch.setenv("MLFLOW_TRACKING_URI", store.tracking_uri)
    monkeypatch.setenv("MLFLOW_REGISTRY_URI", store.tracking_uri)  # so that it is unset again
    import mlflow

    mlflow.set_tracking_uri(store.tracking_uri)
    mlflow.set_registry_uri(store.tracking_uri)
    model = mlflow.pyfunc.load_model("models:/w@winner")
    ratings = load_ratings(json.loads(json.dumps(_data(store))))
    split = split_ratings(ratings, "published", seed=42)
    part = split.valid
    table = pd.DataFrame(
        {
            "user": split.vocabulary.user_ids[part.users],
            "movie": split.vocabulary.movie_ids[part.movies],
        }
    )
    error = np.sqrt(np.mean((np.asarray(model.predict(table)) - part.scores) ** 2))
    assert min(abs(error - v) for v in verdict["candidates"][0]["repeats"]) < 1e-5
    mean = float(split.train.scores.mean(dtype="float64"))
    expected = np.sqrt(np.mean((split.test.scores - mean) ** 2))
    told = next(s["rmse"] for s in verdict["test"] if s["name"] == "global_mean")
    assert told == pytest.approx(expected, abs=1e-6)


def _data(store: Store) -> str:
    from search.storage.records import config_of

    return config_of(Studies(store).get("w")).data


def test_the_run_holds_the_verdict_its_picture_and_its_card(decided: tuple) -> None:
    verdict, _, store = decided
    run = MlflowRecorder(store).find_run(verdict["run_id"])
    assert run["status"] == "FINISHED"
    assert run["tags"]["trialbook.role"] == "winner"
    assert run["metrics"]["test_rmse_winner"] == pytest.approx(verdict["test"][0]["rmse"])
    files = {f.path for f in store.client().list_artifacts(verdict["run_id"])}
    assert {"winner.json", "winner.png", "model_card.md", "evidence.json"} <= files


def test_the_report_that_mlflow_has_shows_the_winner_also_once_the_study_goes_on(
    decided: tuple, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    verdict, _, store = decided
    recorder = MlflowRecorder(store)
    run = recorder.find_run(verdict["run_id"])
    parent = run["tags"]["mlflow.parentRunId"]
    for _ in range(2):
        path = store.client().download_artifacts(parent, "report.html", str(tmp_path))
        page = Path(path).read_text(encoding="utf-8")
        assert f"opened once, at {verdict['opened']}" in page
        assert "w/1" in page
        recorder.finish_study(Studies(store).record("w"), status="FINISHED")
    store.client().log_text(verdict["run_id"], '{"headline": 1}', "evidence.json")
    recorder.finish_study(Studies(store).record("w"), status="FINISHED")
    path = store.client().download_artifacts(parent, "report.html", str(tmp_path))
    assert "opened once" not in Path(path).read_text(encoding="utf-8")
    assert "Downloading" not in capsys.readouterr().err  # MLflow's bars, which go to files too


def test_the_test_part_is_opened_once(decided: tuple, here: Here) -> None:
    verdict, _, store = decided
    told = here("winner", "w", "--top", "3", "--home", str(store.home))
    assert told.pop("decided_now") is False
    assert told.pop("url") is None  # its pages are served by nobody
    assert told == json.loads(json.dumps(verdict))
    assert len(store.client().search_model_versions("name = 'w'")) == 1


def test_two_calls_at_once_are_kept_apart(decided: tuple) -> None:
    verdict, _, store = decided
    study = Studies(store).get("w")
    assert study.user_attrs[StudyKey.DECIDING] is None
    other = owner_of(os.getppid())
    try:
        study.set_user_attr(StudyKey.DECIDING, other)
        with pytest.raises(SearchError, match=rf"process {other['pid']} on .* is at it for w"):
            find_winner("w", store)
        with pytest.raises(SearchError, match=rf"process {other['pid']} on .* chooses the winner"):
            delete_study(Studies(store), Studies(store).get("w"))
        study.set_user_attr(StudyKey.DECIDING, {**other, "started": 1.0})  # one that is gone
        found, fresh = find_winner("w", store)
    finally:
        study.set_user_attr(StudyKey.DECIDING, None)
    assert not fresh
    assert found.number == verdict["number"]


@pytest.mark.slow
def test_what_has_no_test_part_or_no_trial_has_no_winner(
    home: Path,
) -> None:
    wine = StudyConfig(
        name="wine", model="wine:WineModel", objective="val_accuracy:max", trials=1, epochs=1
    )
    run_study(wine, home=home)
    with pytest.raises(SearchError, match=r"only ratings have, but study wine trains wine:Wine"):
        find_winner("wine", Store(home))
    with pytest.raises(SearchError, match=r"needs at least 2 repeats, .*, but got 1\. Use 5\."):
        find_winner("wine", Store(home), repeats=1)


@pytest.mark.slow
def test_a_refitted_winner_was_trained_on_the_validation_part_as_well(
    ratings_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A movie and a user whose only rating is a validation row are known to it alone."""
    config = StudyConfig(
        name="r", trials=2, epochs=8, data=str(ratings_file), sampler="grid",
        space=SPACE | {"factors": 2}, keep_models="none", pruner="none",
    )  # fmt: skip
    run_study(config, home=tmp_path)
    verdict, _ = find_winner("r", Store(tmp_path), top=1, repeats=2, refit=True)
    assert verdict.refitted
    monkeypatch.setenv("MLFLOW_TRACKING_URI", Store(tmp_path).tracking_uri)
    monkeypatch.setenv("MLFLOW_REGISTRY_URI", Store(tmp_path).tracking_uri)  # so that it is unset
    import mlflow

    mlflow.set_tracking_uri(Store(tmp_path).tracking_uri)
    mlflow.set_registry_uri(Store(tmp_path).tracking_uri)
    model = mlflow.pyfunc.load_model("models:/r@winner")
    split = split_ratings(load_ratings(str(ratings_file)), "published", seed=42)
    part = split.valid
    table = pd.DataFrame(
        {
            "user": split.vocabulary.user_ids[part.users],
            "movie": split.vocabulary.movie_ids[part.movies],
        }
    )
    error = np.sqrt(np.mean((np.asarray(model.predict(table)) - part.scores) ** 2))
    # What was trained on is fitted better than what was only looked at.
    assert error < verdict.candidates[0].repeats[0] - 0.02


@pytest.mark.slow
def test_a_candidate_that_fails_on_a_new_seed_is_left_out_and_named(
    ratings_file: Path, tmp_path: Path
) -> None:
    """Its stored step is made 1e30 after the search, so that no weight stays finite."""
    config = _config("n", ratings_file)
    run_study(config, home=tmp_path)
    store = Store(tmp_path)
    study = Studies(store).get("n")
    best = min(study.trials[1:], key=lambda trial: trial.value)
    plan = best.user_attrs["trialbook:plan"]
    broken = plan | {"values": plan["values"] | {"learning_rate": 1e30}}
    with contextlib.closing(sqlite3.connect(store.optuna_db)) as database, database:
        database.execute(
            "UPDATE trial_user_attributes SET value_json = ? WHERE trial_id = ? AND key = ?",
            (json.dumps(broken), best._trial_id, "trialbook:plan"),
        )
    lines: list[str] = []
    verdict, _ = find_winner("n", store, top=2, repeats=2, tell=lines.append)
    (line,) = verdict.left_out
    assert line in lines
    assert line.startswith(f"Trial {best.number} must train to its end on every new seed, but did")
    assert best.number not in [each.number for each in verdict.candidates]
    run = store.client().get_run(verdict.run_id)
    assert line in run.data.tags["mlflow.note.content"]


@pytest.mark.slow
def test_a_candidate_whose_process_dies_is_left_out_and_the_test_part_opened_for_one_winner(
    ratings_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first process is killed in the first candidate's training; later, one while it scores."""
    config = _config("d", ratings_file)
    run_study(config, home=tmp_path)
    store = Store(tmp_path)
    ranked = sorted(Studies(store).get("d").trials[1:], key=lambda trial: trial.value)
    submit, ask, asked = Supervisor.submit, Supervisor.ask, []

    def submit_and_kill(self: Supervisor, task: Task, *given: Any) -> bool:
        submitted = submit(self, task, *given)
        if not asked:
            asked.append(task)
            os.kill(self._pid, signal.SIGKILL)
        return submitted

    def ask_and_kill(self: Supervisor, question: Score) -> None:
        ask(self, question)
        if question.part == "test":
            os.kill(self._pid, signal.SIGKILL)

    lines: list[str] = []
    with monkeypatch.context() as deadly:
        deadly.setattr(Supervisor, "submit", submit_and_kill)
        deadly.setattr(Supervisor, "ask", ask_and_kill)
        with pytest.raises(SearchError, match=r"must live until it answers, but the kernel ended"):
            find_winner("d", store, top=2, repeats=2, tell=lines.append)
    (left_out,) = (line for line in lines if line.endswith("It is left out."))
    assert left_out.startswith(f"Trial {ranked[0].number} must train to its end on every new seed")
    assert "SIGKILL" in left_out
    stored = Studies(store).get("d").user_attrs[StudyKey.VERDICT]
    assert stored["number"] in (0, ranked[1].number)
    assert stored["test"] == []
    verdict, fresh = find_winner("d", store, top=3, repeats=5)
    assert fresh
    assert (verdict.number, verdict.opened) == (stored["number"], stored["opened"])
    assert verdict.candidates[0].repeats == tuple(stored["candidates"][0]["repeats"])
    assert verdict.left_out == (left_out,)
    names = [score.name for score in verdict.test if score.name != "baseline"]
    assert names == ["winner", "global_mean", "biases"]
    assert len(verdict.test[0].repeats) == 2
    assert verdict.model == "d/1"


@pytest.mark.slow
def test_a_baseline_beyond_a_limit_is_compared_but_cannot_win(
    ratings_file: Path, tmp_path: Path
) -> None:
    config = _config("l", ratings_file, max_parameters=5_000)
    run_study(config, home=tmp_path)
    lines: list[str] = []
    verdict, _ = find_winner("l", Store(tmp_path), top=3, repeats=2, tell=lines.append)
    assert sum(line.startswith("baseline, repeat") for line in lines) == 2
    assert [each.is_baseline for each in verdict.candidates] == [False, False]
    assert [each.name for each in verdict.test[:2]] == ["winner", "baseline"]
    assert verdict.beats("baseline") is not None


@pytest.mark.slow
def test_a_winner_that_could_not_be_registered_is_not_decided_anew(
    ratings_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = tmp_path / "r.csv"
    data.write_bytes(ratings_file.read_bytes())
    config = StudyConfig(
        name="f", trials=4, epochs=4, data=str(data), sampler="random", keep_models="none",
        pruner="none", space=SPACE | {"factors": 2},
    )  # fmt: skip
    run_study(config, home=tmp_path / "home")  # one configuration, and three copies of it
    store = Store(tmp_path / "home")
    with monkeypatch.context() as broken:
        broken.setattr("search.winner.decide.store_verdict", lambda *a, **k: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            find_winner("f", store, top=3, repeats=2)
    lines: list[str] = []
    verdict, fresh = find_winner("f", store, top=1, repeats=1, tell=lines.append)
    assert fresh
    assert sorted(each.is_baseline for each in verdict.candidates) == [False, True]
    assert len(verdict.seeds) == 2  # of the first call
    assert len(lines) == 2
    assert not any("test part" in line for line in lines)
    assert verdict.model == "f/1"
    run_study(config.at(name="g", trials=2), home=tmp_path / "home")
    data.write_text(data.read_text().rsplit("\n", 2)[0] + "\n")
    with pytest.raises(SearchError, match=r"chosen on the ratings of its study, but for g the rat"):
        find_winner("g", store)
    delete_study(Studies(store), Studies(store).get("f"))
    assert store.client().search_registered_models() == []


@pytest.mark.slow
def test_a_study_of_the_baseline_alone_has_it_as_its_winner(
    ratings_file: Path, tmp_path: Path
) -> None:
    config = StudyConfig(
        name="one", trials=1, epochs=2, data=str(ratings_file), keep_models="none", pruner="none"
    )
    run_study(config, home=tmp_path / "home")
    verdict, fresh = find_winner("one", Store(tmp_path / "home"), top=3, repeats=2)
    assert fresh
    assert [each.is_baseline for each in verdict.candidates] == [True]
    assert verdict.number == 0
    assert verdict.model == "one/1"
    assert [score.name for score in verdict.test] == ["winner", "global_mean", "biases"]
