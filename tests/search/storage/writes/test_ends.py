"""Ends of trials in one transaction are what Optuna itself would store."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.trial import TrialState

from search.storage.writes.ends import end_running, fail_running


def _study(folder: Path, storage: str, goals: int) -> optuna.Study:
    opened = f"sqlite:///{folder}/optuna.db" if storage == "file" else None
    return optuna.create_study(storage=opened, directions=["minimize"] * goals)


def _fields(trial: optuna.trial.FrozenTrial) -> tuple[Any, ...]:
    return trial.state, trial.values, trial.params, trial.datetime_complete is None


@pytest.mark.parametrize("storage", ["file", "memory"])
@pytest.mark.parametrize(
    ("state", "values"),
    [
        (TrialState.COMPLETE, [0.5]),
        (TrialState.COMPLETE, [0.5, 1e300]),
        (TrialState.COMPLETE, [-math.inf]),
        (TrialState.FAIL, []),
    ],
)
def test_an_end_is_the_one_that_optuna_stores(
    storage: str, state: TrialState, values: list[float], tmp_path: Path
) -> None:
    study = _study(tmp_path, storage, max(1, len(values)))
    ours, theirs = study.ask(), study.ask()
    for trial in (ours, theirs):
        trial.suggest_float("x", 0.0, 0.0)
    assert end_running(study, ours, state, values, ("how", {"end": [1, 2]}))
    study.tell(theirs, values or None, state=state)
    first, second = study.get_trials()
    assert _fields(first) == _fields(second)
    assert first.user_attrs == {"how": {"end": [1, 2]}}


def test_of_two_who_end_a_trial_the_first_does(tmp_path: Path) -> None:
    study = _study(tmp_path, "file", 1)
    trial = study.ask()
    assert fail_running(study, study.get_trials()[0], "how", "cut")
    assert not end_running(study, trial, TrialState.COMPLETE, [0.5], ("how", "done"))
    (stored,) = study.get_trials()
    assert (stored.state, stored.values, stored.user_attrs) == (
        TrialState.FAIL,
        None,
        {"how": "cut"},
    )


def test_an_end_whose_answer_was_lost_is_known_again(tmp_path: Path) -> None:
    study = _study(tmp_path, "file", 1)
    trial = study.ask()
    for _ in range(2):
        assert end_running(study, trial, TrialState.COMPLETE, [0.5], ("how", "done"))
    assert study.get_trials()[0].values == [0.5]


def test_the_sampler_hears_of_an_end(tmp_path: Path) -> None:
    heard: list[tuple[int, TrialState, Any]] = []

    class Hears(optuna.samplers.RandomSampler):
        def after_trial(self, study: Any, trial: Any, state: Any, values: Any) -> None:
            heard.append((trial.number, state, values))

    study = _study(tmp_path, "file", 1)
    study.sampler = Hears()
    end_running(study, study.ask(), TrialState.COMPLETE, [0.25], ("how", "done"))
    assert heard == [(0, TrialState.COMPLETE, [0.25])]
