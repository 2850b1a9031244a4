"""Chooses the trials that a pruner compares a trial with."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

import optuna
from optuna.trial import FrozenTrial

from models.config import FULL_BATCH
from search.storage.internals import storage_that_updates
from search.storage.trial_attributes import plan_of
from search.storage.views import from_step, view_of

_FRESH_S = 0.5
_STALE_S = 10.0
_SHARE = 0.01
"""Of the time, that reading trials again takes at most: a child waits meanwhile."""


def peers_of(
    study: optuna.Study,
    trial: FrozenTrial,
    alike: Callable[[FrozenTrial], bool] = lambda other: True,
    first: int = 0,
) -> optuna.Study:
    """Make a view of the study for one pruner: comparable trials only, read again now and then.

    They are read half a second after the last time, or later where reading takes long.

    Args:
        study: The study; nothing is read of it yet.
        trial: The trial that is judged.
        alike: Whether another trial may be compared with it.
        first: Step from which on reports count.
    """
    trials: list[FrozenTrial] = []
    due = -float("inf")

    def shown() -> list[FrozenTrial]:
        nonlocal trials, due
        began = time.monotonic()
        if began > due:
            peers = [other for other in study.get_trials(deepcopy=False) if alike(other)]
            trials = [from_step(peer, first) for peer in peers] if first else peers
            ended = time.monotonic()
            due = ended + min(max(_FRESH_S, (ended - began) / _SHARE), _STALE_S)
        return trials

    return view_of(study, shown, storage_that_updates(study, trial))


def has_small_batches(values: Mapping[str, Any]) -> bool:
    """Whether a configuration trains with mini-batches, that is with several steps an epoch."""
    return bool(values.get("batch_size", FULL_BATCH) != FULL_BATCH)


def same_shape(params: Mapping[str, Any], other: FrozenTrial) -> bool:
    """Whether two trials can be compared: both train with full batches, or both with mini-batches.

    Mini-batch training takes many steps an epoch and is far ahead at first. Compared with it, every
    full-batch trial would be ended before it has begun to learn.

    Args:
        params: Real values of the trial that is judged.
        other: The other trial.
    """
    return has_small_batches(params) == has_small_batches(plan_of(other).values)
