"""Finds the earlier trial with a trial's configuration, and waits for one that is under way."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

import optuna
from optuna.trial import FrozenTrial

from search.storage.study_attributes import widened_at
from search.storage.trials import same_before, twin_under_way
from tracking import Scalar

_PAUSE_S = 0.2


def awaited_twin(
    study: optuna.Study, number: int, values: Mapping[str, Scalar], is_over: Callable[[], bool]
) -> FrozenTrial | None:
    """Find an earlier trial of the same configuration whose value may be reused, or None.

    If another worker trains such a trial just now, wait for its end. A trial of before the study's
    space was widened does not count: its model may be another one.

    Args:
        study: The study.
        number: Number of the new trial.
        values: Its active parameters as a model gets them (64, "relu").
        is_over: Whether the waiting must end.
    """
    while twin_under_way(study, number, values) and not is_over():
        time.sleep(_PAUSE_S)
    return same_before(study, number, values, widened_at(study))
