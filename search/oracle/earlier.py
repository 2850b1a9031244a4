"""Finds what earlier processes, or an earlier oracle of this one, left in a tuner's study."""

from __future__ import annotations

import optuna
from optuna.trial import FrozenTrial, TrialState

from search.storage.claims.owner import me
from search.storage.internals import take_queued
from search.storage.trial_attributes import (
    outcome_of,
    owner_of_trial,
    retry_of,
    tuner_trial_of,
)
from tracking import KILLED


def finished_trials(study: optuna.Study) -> list[FrozenTrial]:
    """List the complete and the failed trials, without interrupted ones, by number."""
    ended = (TrialState.COMPLETE, TrialState.FAIL)
    own = study.get_trials(deepcopy=False, states=ended)
    return [trial for trial in own if outcome_of(trial).state != KILLED]


def names_of(study: optuna.Study, trial: FrozenTrial) -> list[str]:
    """The tuner's identifiers of a trial and of those that it tries again, the first one first."""
    trials = study.get_trials(deepcopy=False)
    names: list[str] = []
    earlier = trial.number
    while True:
        name = tuner_trial_of(trials[earlier])
        if name is not None:
            names.insert(0, name)
        before = retry_of(trials[earlier])
        if before is None:
            return names
        earlier = before


def left_running(study: optuna.Study, name: str) -> list[FrozenTrial]:
    """The trials of a tuner's identifier that an earlier oracle of this process left running.

    Args:
        study: The study.
        name: The tuner's identifier of the trial.
    """
    here = me()
    return [
        trial
        for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
        if tuner_trial_of(trial) == name
        and (owner := owner_of_trial(trial)) is not None
        and (owner["host"], owner["pid"]) == (here["host"], here["pid"])
    ]


def interrupted_trial(study: optuna.Study, name: str) -> optuna.Trial | None:
    """Begin the queued retry of a tuner's interrupted trial; None where no retry is queued.

    Args:
        study: The study.
        name: The tuner's identifier of the interrupted trial.
    """
    for queued in study.get_trials(deepcopy=False, states=(TrialState.WAITING,)):
        if retry_of(queued) is not None and name in names_of(study, queued):
            begun = take_queued(study, queued)
            if begun is not None:
                return begun
    return None
