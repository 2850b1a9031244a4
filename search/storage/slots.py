"""A trial's slot: its place in the study as if nothing had ever been interrupted.

An interrupted trial is queued again as a new Optuna trial. The new one keeps the slot of the old,
so the seed of slot k, and what a seeded sampler proposes for it, is the same with and without the
interruption.
"""

from __future__ import annotations

from collections.abc import Sequence

import optuna
from optuna.trial import FrozenTrial

from search.storage.trial_attributes import given_slot, is_given, retry_of
from search.storage.trials import tally_of
from search.storage.views import reckoned


def slot_of(study: optuna.Study, trial: FrozenTrial) -> int:
    """A trial's slot (a trial's place in the study as if nothing had been interrupted), from 0.

    It is the slot stored with the trial, else the trial's number minus the retries before it.

    Args:
        study: The study.
        trial: One of its trials.

    Example:
        Trial 1 is interrupted; trial 2 tries it again, and has its slot. Trial 3 has slot 2.

        >>> study = optuna.create_study()
        >>> for attributes in ({}, {}, {"trialbook:retry_of": 1, "trialbook:slot": 1}, {}):
        ...     study.enqueue_trial({}, user_attrs=attributes)
        >>> [slot_of(study, trial) for trial in study.trials]
        [0, 1, 1, 2]
    """
    given = given_slot(trial)
    if given is not None:
        return given
    earlier = study.get_trials(deepcopy=False)[: trial.number]
    return trial.number - sum(retry_of(other) is not None for other in earlier)


def next_slot(study: optuna.Study) -> int:
    """The slot of a trial that would be created now, with nothing queued.

    Args:
        study: The study.
    """
    tally = tally_of(study)
    return tally.by_state.total() - tally.retries


def place_of(study: optuna.Study, trial: FrozenTrial) -> int:
    """Count the configurations that the sampler chose before a trial, retries not counted.

    A sampler that follows a sequence of points gives the trial the point with this number. Queued
    configurations (the baseline, and those that a user wants tried) take no point of the sequence.

    Args:
        study: The study.
        trial: One of its trials, or the trial that the sampler is asked for.
    """
    slot = slot_of(study, trial)
    return slot - sum(1 for given in given_slots(study) if given < slot)


def given_slots(study: optuna.Study) -> set[int]:
    """The slots (places in the study) of trials queued with a full or partial configuration.

    The retry of an interrupted trial is queued as well, but does not count by itself.
    """

    def given(trials: Sequence[FrozenTrial]) -> set[int]:
        chosen = (trial for trial in trials if is_given(trial) and retry_of(trial) is None)
        return {slot_of(study, trial) for trial in chosen}

    return reckoned(study, "given slots", given, lambda first, later: first | later)
