"""Finds the trials that an earlier process left in a tuner's study: finished or interrupted."""

from __future__ import annotations

import optuna
from optuna.trial import FrozenTrial, TrialState

from search.storage.internals import take_queued
from search.storage.trial_attributes import outcome_of, retry_of, tuner_trial_of
from tracking import KILLED


def finished_trials(study: optuna.Study) -> list[FrozenTrial]:
    """List the complete and the failed trials, without interrupted ones, by number."""
    ended = (TrialState.COMPLETE, TrialState.FAIL)
    own = study.get_trials(deepcopy=False, states=ended)
    return [trial for trial in own if outcome_of(trial).state != KILLED]


def interrupted_trial(study: optuna.Study, name: str) -> optuna.Trial | None:
    """Begin the queued retry of a tuner's interrupted trial; None where no retry is queued.

    Args:
        study: The study.
        name: The tuner's identifier of the interrupted trial.
    """
    trials = study.get_trials(deepcopy=False)
    for queued in trials:
        interrupted = retry_of(queued)
        if queued.state != TrialState.WAITING or interrupted is None:
            continue
        if tuner_trial_of(trials[interrupted]) == name:
            begun = take_queued(study, queued)
            if begun is not None:
                return begun
    return None
