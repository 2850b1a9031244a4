"""Which models of a user's `fit` are kept, with which weights, and what their own scores are."""

from __future__ import annotations

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
    itself: that is an average over the batches of an epoch, which is the score of no weights.

    Args:
        training: What trained the model.
        values: What `fit` returned.
        monitor: The metric that the objective names.
    """
    best, last = training.score, training.last_value(monitor)
    if best is None:
        best = training.best_value(monitor)
    is_given = any(v.is_given for v in values) and all(v.kept is not training for v in values)
    if is_given and (best is None or not monitor.startswith("val_")):
        return Kept(training=training, score=None, is_left=True)
    if is_given and len(values) == 1 and best is not None and last is not None:
        value = values[0].value
        if abs(value - last) < abs(value - best) and not training.has_best():
            return Kept(training=training, score=last, is_left=True)
    training.restore()
    return Kept(training=training, score=best)


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
