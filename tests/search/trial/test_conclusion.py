"""How the ends of trials are stored, without training any."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.trial import TrialState

from search import StudyConfig
from search.child.messages import Done, Failed
from search.storage.trial_attributes import Key, outcome_of, retry_of
from search.storage.trials import state_of
from search.trial.conclusion import Conclusion
from search.trial.run import Curve, TrialRun
from tracking import EpochRecord, Picture, TrialRecord


class Noting:
    """A recorder that keeps the records of killed trials."""

    def __init__(self) -> None:
        self.killed: list[TrialRecord] = []

    def kill_trial(self, record: TrialRecord) -> None:
        self.killed.append(record)

    def finish_trial(
        self, record: TrialRecord, *, tell: Callable[[], None], **more: object
    ) -> None:
        tell()
        self.finished = record


@pytest.fixture
def study() -> optuna.Study:
    return optuna.create_study()


def _run(study: optuna.Study) -> TrialRun:
    trial = study.ask()
    curve = Curve(monitor="val_rmse", sign=1.0)
    curve.add(EpochRecord(epoch=1, seconds=0.5, metrics={"val_rmse": 0.9}))
    record = TrialRecord(study="s", number=trial.number, params={}, run_id="r")
    return TrialRun(trial, record, Path(), curve)


@pytest.mark.parametrize(
    ("error", "reason", "message"),
    [
        (KeyboardInterrupt(), "interrupted", ""),
        (OSError("disk full"), "error", "Trialbook itself failed: disk full"),
    ],
)
def test_an_abandoned_trial_is_killed_in_both_stores_and_queued_again(
    study: optuna.Study, error: BaseException, reason: str, message: str
) -> None:
    recorder: Any = Noting()
    Conclusion(StudyConfig(), study, recorder).abandon(_run(study), error)
    first, second = study.trials
    assert (first.state, second.state) == (TrialState.FAIL, TrialState.WAITING)
    assert retry_of(second) == 0
    outcome = outcome_of(first)
    assert (outcome.state, outcome.end_reason, outcome.message) == ("killed", reason, message)
    assert outcome.metrics["lowest_val_rmse"] == 0.9
    assert [record.state for record in recorder.killed] == ["killed"]


def test_a_trial_whose_end_is_stored_already_is_not_queued_again(study: optuna.Study) -> None:
    """As where the disk fails after Optuna has the value; its end is kept, and delivered later."""
    run = _run(study)
    study.tell(run.trial, 0.9)
    recorder: Any = Noting()
    Conclusion(StudyConfig(), study, recorder).abandon(run, OSError("disk full"))
    (trial,) = study.trials
    assert (trial.state, trial.value) == (TrialState.COMPLETE, 0.9)
    assert recorder.killed == []


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_value_that_is_no_number_fails_the_trial(
    study: optuna.Study, value: float, tmp_path: Path
) -> None:
    """Optuna itself would take an infinite one for complete, and rank it first or last."""
    recorder: Any = Noting()
    run = replace(_run(study), folder=tmp_path)
    done = Done(end_reason="epochs", value=value, metrics={}, model_kind=None)
    record = Conclusion(StudyConfig(), study, recorder).succeed(run, done)
    assert (record.state, record.end_reason, record.value) == ("failed", "nan", None)
    assert f"Its val_rmse is {value}" in record.message
    assert study.trials[0].state == TrialState.FAIL


def test_a_value_of_zero_is_one(study: optuna.Study, tmp_path: Path) -> None:
    recorder: Any = Noting()
    done = Done(end_reason="epochs", value=0.0, metrics={}, model_kind=None)
    run = replace(_run(study), folder=tmp_path)
    record = Conclusion(StudyConfig(), study, recorder).succeed(run, done)
    assert (record.state, record.value, record.metrics["best_val_rmse"]) == ("complete", 0.0, 0.0)
    assert study.best_value == 0.0


def test_what_a_limit_kept_from_training_is_refused_and_what_it_cut_short_is_pruned(
    study: optuna.Study, tmp_path: Path
) -> None:
    recorder: Any = Noting()
    conclusion = Conclusion(StudyConfig(), study, recorder)
    cut = replace(_run(study), folder=tmp_path)
    done = Done.beyond("9 parameters, where at most 3 may be", 9)
    assert conclusion.succeed(cut, done).state == "pruned"
    untrained = replace(_run(study), folder=tmp_path, curve=Curve(monitor="val_rmse", sign=1.0))
    assert conclusion.succeed(untrained, done).state == "refused"
    never_begun = conclusion.refuse(_run(study), "9 parameters", 9)
    assert (never_begun.state, never_begun.metrics["parameters"]) == ("refused", 9.0)
    assert [t.state for t in study.trials] == [TrialState.PRUNED] * 3
    assert [state_of(trial) for trial in study.trials] == ["pruned", "refused", "refused"]


@pytest.mark.parametrize(
    ("value", "seconds", "drawn"), [(0.8, 0.5, True), (0.9, 0.5, False), (0.9, 5.0, True)]
)
def test_of_short_trials_only_the_best_so_far_is_drawn(
    study: optuna.Study,
    tmp_path: Path,
    value: float,
    seconds: float,
    drawn: bool,
) -> None:
    study.add_trial(optuna.trial.create_trial(value=0.85))
    run = _run(study)
    run = replace(run, folder=tmp_path, started=time.monotonic() - seconds)
    recorder: Any = Noting()
    Conclusion(StudyConfig(), study, recorder).succeed(
        run, Done(end_reason="epochs", value=value, metrics={})
    )
    assert (tmp_path / "files" / "history.csv").exists()
    assert recorder.finished.picture == (Picture(monitor="val_rmse") if drawn else None)


def test_the_end_of_a_failed_trials_log_is_stored_without_passwords(
    study: optuna.Study, tmp_path: Path
) -> None:
    recorder: Any = Noting()
    run = replace(_run(study), folder=tmp_path)
    last = "cannot reach postgresql://me:secret@host/db"
    log = "\n".join([*("line of a traceback" for _ in range(300)), last])
    failed = Failed(end_reason="error", message="it failed", detail=log)
    Conclusion(StudyConfig(), study, recorder).fail(run, failed, "")
    written = (tmp_path / "files" / "log.txt").read_text()
    assert len(written.splitlines()) == 301
    assert written.endswith("cannot reach postgresql://me:***@host/db")
    stored = outcome_of(study.trials[0]).log
    assert len(stored) == 4000
    assert written.endswith(stored)


def test_a_trial_that_did_not_fail_stores_no_log(study: optuna.Study, tmp_path: Path) -> None:
    recorder: Any = Noting()
    run = replace(_run(study), folder=tmp_path)
    done = Done(end_reason="epochs", value=0.5, metrics={})
    Conclusion(StudyConfig(), study, recorder).succeed(run, done)
    assert "log" not in study.trials[0].user_attrs[Key.OUTCOME]
