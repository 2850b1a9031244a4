"""The earlier trial with a trial's configuration: found, awaited, and stood for."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping

import optuna
from optuna.trial import FrozenTrial

from search.child.messages import Done
from search.storage.study_attributes import widened_at
from search.storage.trials import same_before, twin_under_way
from search.storage.views import snapshot_of
from tracking import Scalar, Tag, TrialRecord

_PAUSE_S = 0.2


def ended_as(earlier: TrialRecord) -> Done:
    """How a trial ends that is not trained, since an earlier one had its configuration.

    Args:
        earlier: The record of that one.
    """
    return Done(
        end_reason=earlier.end_reason,
        value=math.nan if earlier.value is None else earlier.value,
        metrics=earlier.metrics,
        trainer=earlier.tags.get(Tag.TRAINER, "keras"),
    )


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
    seen = snapshot_of(study)
    while twin_under_way(seen, number, values) and not is_over():
        time.sleep(_PAUSE_S)
        seen = snapshot_of(study)
    return same_before(seen, number, values, widened_at(study))
