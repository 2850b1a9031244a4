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
RETRY_OF = "trialbook:retry_of"


def slot_of(study: optuna.Study, trial: FrozenTrial) -> int:
    """The trial's slot: the one it was given, else its number less the retries before it."""
    given: Any = trial.user_attrs.get(SLOT)
    if given is not None:
        return int(given)
    earlier = study.get_trials(deepcopy=False)[: trial.number]
    return trial.number - sum(RETRY_OF in other.user_attrs for other in earlier)
