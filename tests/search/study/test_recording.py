"""A study whose record cannot be written when it should be."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from calling import call
from stores import disagreements

from search import StudyConfig, StudyResult, run_study
from search.doctor.examination import examine
from search.storage.studies import Studies
from search.trial.progress import Silent
from tracking import MlflowRecorder, Store
from tracking.spool.delivery import Delivery

TRIALS = 3


class Listening(Silent):
    def __init__(self) -> None:
        self.lines: list[str] = []

    def message(self, text: str) -> None:
        self.lines.append(text)


@pytest.fixture
def config(ratings_file: Path) -> StudyConfig:
    return StudyConfig(
        name="away", data=str(ratings_file), trials=TRIALS, epochs=2, sampler="random", workers=1
    )


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("search.study.recording._AWAY_S", 0.5)


def test_a_study_ends_though_mlflow_fails_and_its_record_is_written_later(
    config: StudyConfig, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise OSError("no space left on the device")

    heard = Listening()
    with monkeypatch.context() as broken:
        broken.setattr(MlflowRecorder, "finish_trial", fail)
        result = run_study(config, home=home, progress=heard)
    assert result.best is not None
    assert result.to_json()["waiting"] == result.waiting >= TRIALS
    assert [trial.state for trial in result.record.trials] == ["complete"] * TRIALS
    assert "could not be made in MLflow yet (no space left on the device)" in heard.lines[-1]
    assert str(home / "spool") in heard.lines[-1]
    assert disagreements(home, "away", TRIALS) != []
    again = Listening()
    run_study(config, home=home, progress=again)
    assert again.lines[0].startswith("An earlier process left ")
    assert disagreements(home, "away", TRIALS) == []


def test_a_server_that_is_away_at_the_start_keeps_nobody_from_training(
    config: StudyConfig, home: Path
) -> None:
    heard = Listening()
    result = run_study(config.at(tracking_uri="http://127.0.0.1:9"), home=home, progress=heard)
    assert [trial.state for trial in result.record.trials] == ["complete"] * TRIALS
    assert "http://127.0.0.1:9 is not" in heard.lines[0]
    assert "could not be made in MLflow yet" in heard.lines[-1]
    assert len(list(Store(home).spool.glob("*/entries/*-finish_trial"))) == TRIALS


@pytest.mark.parametrize(("seconds", "lines"), [(1.5, 0), (2.5, 1)])
def test_plots_that_take_a_moment_are_not_told_as_waiting_for_mlflow(
    config: StudyConfig, home: Path, monkeypatch: pytest.MonkeyPatch, seconds: float, lines: int
) -> None:
    """The study waits twice: for the record of its trials, and for its plots."""
    clock, heard = [100.0], Listening()
    flush = Delivery.flush

    def slow(self: Delivery, is_over: Callable[[], bool]) -> bool:
        clock[0] += seconds
        is_over()
        return flush(self)

    monkeypatch.setattr("search.study.recording._AWAY_S", 60.0)
    monkeypatch.setattr("search.study.recording.time", SimpleNamespace(monotonic=lambda: clock[0]))
    monkeypatch.setattr(Delivery, "flush", slow)
    run_study(config, home=home, progress=heard)
    assert clock[0] == 100 + 2 * seconds
    assert "Drawing plots and writing the leaderboard." in heard.lines
    assert sum("Waiting until MLflow has all" in line for line in heard.lines) == lines


def test_what_a_killed_process_left_wrong_is_mended_at_the_start_and_said_in_a_line(
    config: StudyConfig, home: Path
) -> None:
    result = run_study(config.at(keep_models="none"), home=home)
    parent, runs = result.record.parent_run_id, [t.run_id for t in result.record.trials]
    client = Store(home).client()
    assert parent is not None
    client.update_run(parent, status="RUNNING")  # as if its process were gone
    client.update_run(runs[0], status="RUNNING")
    client.delete_run(runs[2])
    assert len(disagreements(home, "away", TRIALS)) >= 3
    again = Listening()
    run_study(config.at(trials=TRIALS + 1, keep_models="none"), home=home, progress=again)
    assert "The record of trials 0, 2 was incomplete in MLflow, and is mended." in again.lines
    assert disagreements(home, "away", TRIALS + 1) == []
    quiet = Listening()
    run_study(config.at(trials=TRIALS + 1, keep_models="none"), home=home, progress=quiet)
    assert not [line for line in quiet.lines if "incomplete" in line]


def test_a_study_with_nothing_left_to_train_is_mended_and_said_to_be(
    config: StudyConfig, home: Path
) -> None:
    """Its own run is closed, as where a run was deleted on MLflow's pages afterwards."""
    result = run_study(config.at(keep_models="none"), home=home)
    client = Store(home).client()
    client.delete_run(result.record.trials[1].run_id)
    client.log_metric(result.record.trials[2].run_id, "best_val_rmse", 9.0)
    assert len(disagreements(home, "away", TRIALS)) == 2
    again = Listening()
    done = run_study(config.at(keep_models="none"), home=home, progress=again)
    assert done.new_trials == 0
    assert "The record of trials 1, 2 was incomplete in MLflow, and is mended." in again.lines
    assert disagreements(home, "away", TRIALS) == []
    quiet = Listening()
    run_study(config.at(keep_models="none"), home=home, progress=quiet)
    assert not [line for line in quiet.lines if "incomplete" in line]


@pytest.fixture
def refused(config: StudyConfig, home: Path, monkeypatch: pytest.MonkeyPatch) -> StudyResult:
    """A study of which MLflow refused the end of each trial, for good."""

    class Refusing(Exception):
        error_code = "INVALID_PARAMETER_VALUE"

    def refuse(*_: Any, **__: Any) -> None:
        raise Refusing("not such a value")

    with monkeypatch.context() as broken:
        broken.setattr(MlflowRecorder, "finish_trial", refuse)
        result = run_study(config, home=home)
    assert len(list(Store(home).spool.glob("*/refused/*"))) == TRIALS
    return result


@pytest.mark.usefixtures("refused")
def test_what_mlflow_refused_for_good_is_written_anew_by_the_next_start(
    config: StudyConfig, home: Path
) -> None:
    again = Listening()
    run_study(config, home=home, progress=again)
    assert "3 writes that MLflow had refused were made anew." in again.lines
    assert list(Store(home).spool.glob("*")) == []
    assert disagreements(home, "away", TRIALS, models=False) == []


@pytest.mark.parametrize("by", ["search", "doctor"])
def test_what_was_refused_is_written_anew_with_its_model_though_the_runs_are_gone(
    by: str, refused: StudyResult, config: StudyConfig, home: Path
) -> None:
    client = Store(home).client()
    for trial in refused.record.trials:
        client.delete_run(trial.run_id)
    if by == "search":
        again = Listening()
        run_study(config, home=home, progress=again)
        assert (
            "The record of trials 0, 1, 2 was incomplete in MLflow, and is mended. "
            "3 writes that MLflow had refused were made anew."
        ) in again.lines
    else:
        found = examine(Studies(Store(home)), ["away"], mends=True, say=lambda _: None)
        assert all(each.is_mended for each in found)
        assert examine(Studies(Store(home)), ["away"], mends=False, say=lambda _: None) == []
    assert list(Store(home).spool.glob("*")) == []
    assert disagreements(home, "away", TRIALS, models=config.keep_models == "all") == []
    best = refused.record.ranked()[0].number
    (run,) = [
        run
        for run in client.search_runs([refused.record.experiment_id])
        if run.data.tags.get("trialbook.number") == str(best)
    ]
    assert run.outputs.model_outputs


@pytest.mark.slow
def test_a_deleted_database_of_mlflow_is_made_anew_by_the_next_search_alone(
    ratings_file: Path, tmp_path: Path
) -> None:
    """In processes of their own: MLflow goes on with a database that is gone while it is open."""
    home = tmp_path / "mlruns"
    words = ["search", "--study", "away", "--data", str(ratings_file), "--trials", str(TRIALS)]
    words += ["--epochs", "2", "--sampler", "random", "--workers", "1", "--home", str(home)]
    call(*words)
    for path in home.glob("mlflow.db*"):
        path.unlink()
    said = call(*words)
    assert "The record of trials 0, 1, 2 was incomplete in MLflow, and is mended." in (
        said.stdout + said.stderr
    ).replace("\n", " ")
    assert disagreements(home, "away", TRIALS) == []
