"""Early stopping on a number that should fall."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(slots=True)
class EarlyStop:
    """Keras' EarlyStopping rule with `mode="min"`, as plain state.

    Attributes:
        patience: Epochs without an improvement that are borne.
        min_delta: An epoch improves when its value is below the best by more than this.
        warm_up: Epochs before patience counts.
        best: Best value so far.
        best_epoch: Its epoch, 1 for the first; 0 before any.
        epoch: Epochs seen.
    """

    patience: int
    min_delta: float
    warm_up: int = 0
    best: float = math.inf
    best_epoch: int = 0
    epoch: int = 0

    def update(self, value: float) -> bool:
        """Take the next epoch's value; true when it is the new best. NaN never is."""
        self.epoch += 1
        improved = value < self.best - self.min_delta
        if improved:
            self.best, self.best_epoch = value, self.epoch
        return improved

    @property
    def done(self) -> bool:
        """Whether patience has run out."""
        return self.epoch - max(self.best_epoch, self.warm_up) >= max(self.patience, 1)
