"""A trial's slot: its place in the study as if nothing had ever been interrupted.

An interrupted trial is queued again as a new Optuna trial. The new one keeps the slot of the old,
so the seed of slot k, and what a seeded sampler proposes for it, is the same with and without the
interruption.
"""

from __future__ import annotations

from typing import Any

import optuna
from optuna.trial import FrozenTrial

SLOT = "trialbook:slot"
GIVEN = "fixed_params"  # where Optuna keeps what a queued trial is to try
RETRY_OF = "trialbook:retry_of"
RECIPE = "trialbook:recipe"  # the family whose published configuration a trial is


def slot_of(study: optuna.Study, trial: FrozenTrial) -> int:
    """The trial's slot: the one it was given, else its number less the retries before it."""
    given: Any = trial.user_attrs.get(SLOT)
    if given is not None:
        return int(given)
    earlier = study.get_trials(deepcopy=False)[: trial.number]
    return trial.number - sum(RETRY_OF in other.user_attrs for other in earlier)


def place_of(study: optuna.Study, trial: FrozenTrial) -> int:
    """How many slots before the trial's were the sampler's to fill.

    The baseline is given, and so is what a user queued: neither takes a point of a sequence.

    Args:
        study: The study.
        trial: One of its trials, or the one that is asked for.
    """
    slot = slot_of(study, trial)
    return slot - sum(1 for given in given_slots(study) if given < slot)


def given_slots(study: optuna.Study) -> set[int]:
    """The slots whose configurations were given, wholly or in part."""
    return {
        slot_of(study, trial)
        for trial in study.get_trials(deepcopy=False)
        if GIVEN in trial.system_attrs and RETRY_OF not in trial.user_attrs
    }
