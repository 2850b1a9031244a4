"""Decide when to stop a training because its validation metric no longer falls."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(slots=True)
class EarlyStop:
    """Decides after each epoch whether to stop training, by two rules on a validation metric.

    The metric should fall. The first rule is Keras' EarlyStopping with `mode="min"`: stop after
    `patience` epochs without an improvement. The second rule is the criterion UP of Prechelt,
    "Early Stopping, But When?" (1998), with strips of one epoch: stop when the value rose in
    `overfit_patience` epochs in a row.

    Attributes:
        patience: Epochs without an improvement after which training stops.
        min_delta: An epoch improves when its value is below the best by more than this.
        warm_up: Epochs at the start that neither rule counts.
        overfit_patience: Rises in a row after which training stops; 0 for never.
        best: Best value so far.
        best_epoch: The epoch of the best value, 1 for the first; 0 before any.
        epoch: Epochs seen.
        last: The last epoch's value.
        risen: In how many epochs in a row, up to the last, the value rose.

    Example:
        >>> stop = EarlyStop(patience=2, min_delta=0.1)
        >>> [stop.update(value) for value in (1.0, 0.8, 0.75, 0.9)]  # 0.75 is not 0.1 below 0.8
        [True, True, False, False]
        >>> stop.done, stop.best_epoch
        (True, 2)
    """

    patience: int
    min_delta: float
    warm_up: int = 0
    overfit_patience: int = 0
    best: float = math.inf
    best_epoch: int = 0
    epoch: int = 0
    last: float = math.inf
    risen: int = 0

    def update(self, value: float) -> bool:
        """Record the next epoch's metric; return whether the metric is a new best (NaN: never)."""
        self.epoch += 1
        self.risen = self.risen + 1 if value > self.last and self.epoch > self.warm_up else 0
        self.last = value
        improved = value < self.best - self.min_delta
        if improved:
            self.best, self.best_epoch = value, self.epoch
        return improved

    @property
    def done(self) -> bool:
        """Whether training should stop: no improvement, or a rising metric, for too many epochs."""
        if 0 < self.overfit_patience <= self.risen:
            return True
        return self.epoch - max(self.best_epoch, self.warm_up) >= max(self.patience, 1)
