"""How the ends of trials are stored, without training any."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.trial import TrialState

from search import StudyConfig
from search.storage.trial_attributes import outcome_of, retry_of
from search.trial.conclusion import Conclusion
from search.trial.run import Curve, TrialRun
from tracking import EpochRecord, TrialRecord


class Noting:
    """A recorder that keeps the records of killed trials."""

    def __init__(self) -> None:
        self.killed: list[TrialRecord] = []

    def kill_trial(self, record: TrialRecord) -> None:
        self.killed.append(record)


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
    """As where MLflow fails after Optuna has the value."""
    run = _run(study)
    study.tell(run.trial, 0.9)
    recorder: Any = Noting()
    Conclusion(StudyConfig(), study, recorder).abandon(run, OSError("disk full"))
    (trial,) = study.trials
    assert (trial.state, trial.value) == (TrialState.COMPLETE, 0.9)
    assert len(recorder.killed) == 1
