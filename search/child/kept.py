"""Which models of a user's `fit` are kept, with which weights, and what their own scores are."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from search.child.fits import Training
from search.child.returned import Value


@dataclass(frozen=True, kw_only=True, slots=True)
class Kept:
    """A model that is kept.

    Attributes:
        training: What trained it.
        score: The objective of the weights that it has; None where it is not known.
        is_left: Whether it has the weights that the user's `fit` left, not its best epoch's.
    """

    training: Training
    score: float | None
    is_left: bool = False


def kept_of(values: Sequence[Value], trainings: Sequence[Training]) -> list[Training]:
    """The training of each model whose weights are kept: what was returned, else its last one.

    Args:
        values: What `fit` returned.
        trainings: The calls of Keras' `fit`, in their order.
    """
    returned = [value.kept for value in values if value.kept is not None]
    kept: dict[int, Training] = {}
    for training in [*trainings, *returned]:
        kept[training.number] = training
    if len(values) == 1 and returned and not values[0].is_given:
        return returned  # one history, though other models were trained beside it
    return [kept[number] for number in sorted(kept)]


def settle(training: Training, values: Sequence[Value], monitor: str) -> Kept:
    """Give a model the weights that belong to its value, and find their score.

    They are the best epoch's. Where the user's code computed the value, the weights that it left
    stay if the last epoch comes nearer to it, and also where the objective is of the training
    itself: that is an average over the batches of an epoch, which is the score of no weights. What
    a loop of the user's own reported of its epochs says which weights belong to the value, and is
    no score that Trialbook knows.

    Args:
        training: What trained the model.
        values: What `fit` returned.
        monitor: The metric that the objective names.
    """
    best = training.score
    if best is None:
        best = training.best_value(monitor)
    is_given = any(v.is_given for v in values) and all(v.kept is not training for v in values)
    is_loop = training.history is None
    if is_given and (best is None or _is_left(training, best, values, monitor)):
        last = training.last_value(monitor)
        is_known = monitor.startswith("val_") and best is not None and not is_loop
        return Kept(training=training, score=last if is_known else None, is_left=True)
    training.restore()
    return Kept(training=training, score=None if is_given and is_loop else best)


def _is_left(training: Training, best: float, values: Sequence[Value], monitor: str) -> bool:
    """Whether the weights that a user's `fit` left belong to the value that it computed."""
    last = training.last_value(monitor)
    value = values[0].value if len(values) == 1 else math.nan
    if not monitor.startswith("val_"):
        is_best = is_same(value, best) and (last is None or not is_same(value, last))
        return training.history is not None or not is_best
    if last is None or not abs(value - last) < abs(value - best):
        return False
    return not training.has_best()


def is_same(some: float, other: float) -> bool:
    """Whether a returned value and a model's score are the same but for rounding."""
    return math.isclose(some, other, rel_tol=1e-4, abs_tol=1e-7)


def epoch_of(kept: Sequence[Kept], first: Sequence[Training]) -> int:
    """The epoch whose weights the trial's first model has, over all calls that trained it.

    Args:
        kept: The models that are kept.
        first: The calls that trained the first model, in their order.
    """
    epochs = 0
    for training in first:
        for each in kept:
            if each.training is training:
                return epochs + (len(training.curve) if each.is_left else training.best_epoch)
        epochs += len(training.curve)
    return 0
