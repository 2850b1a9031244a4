"""Early stopping on a number that should fall."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(slots=True)
class EarlyStop:
    """Keras' EarlyStopping rule with `mode="min"`, and one for overfitting, as plain state.

    The second is the criterion UP of Prechelt, "Early Stopping, But When?" (1998), with strips of
    one epoch: it stops where the value rose in so many epochs in a row.

    Attributes:
        patience: Epochs without an improvement that are borne.
        min_delta: An epoch improves when its value is below the best by more than this.
        warm_up: Epochs before either counts.
        overfit_patience: Epochs in a row with a rise that stop it, 0 for never.
        best: Best value so far.
        best_epoch: Its epoch, 1 for the first; 0 before any.
        epoch: Epochs seen.
        last: The value of the last one.
        risen: How many of the last ones rose.
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
        """Take the next epoch's value; true when it is the new best. NaN never is."""
        self.epoch += 1
        self.risen = self.risen + 1 if value > self.last and self.epoch > self.warm_up else 0
        self.last = value
        improved = value < self.best - self.min_delta
        if improved:
            self.best, self.best_epoch = value, self.epoch
        return improved

    @property
    def done(self) -> bool:
        """Whether patience has run out, or the value has risen for too long."""
        if 0 < self.overfit_patience <= self.risen:
            return True
        return self.epoch - max(self.best_epoch, self.warm_up) >= max(self.patience, 1)
