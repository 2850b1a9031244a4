"""The numbers of an optimizer's steps, and what the steps of a training are taken on.

Formulas: Keras 3's `Adam`, `AdamW`, `Nadam`, `RMSprop`
and `SGD` with momentum, with the default constants of each. Plain SGD, lazy Adam and row-wise
Adagrad are those of `models.optimizers.by_row`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.config import TrainConfig

ADAM, ADAMW, NADAM, RMSPROP, SGD, PLAIN_SGD, LAZY_ADAM, ADAGRAD = range(8)
_CODES = {
    "adam": ADAM, "adamw": ADAMW, "nadam": NADAM, "rmsprop": RMSPROP, "sgd": SGD,
    "plain_sgd": PLAIN_SGD, "lazy_adam": LAZY_ADAM, "rowwise_adagrad": ADAGRAD,
}  # fmt: skip

BETA_1, BETA_2, RHO, EPSILON, MOMENTUM = 0.9, 0.999, 0.9, 1e-7, 0.9
_DECAY, _NADAM_DECAY = 0.004, 0.96
ADAGRAD_EPSILON = 1e-8


class Step(NamedTuple):
    """The numbers of one step that are the same for all weights.

    Attributes:
        code: Which optimizer.
        rate: The learning rate of this step.
        keep: What is left of a weight after its decay; 1 without decay.
        momentum: By what the update's first moment is multiplied, learning rate left out.
        gradient: By what the gradient itself is, as Nadam does.
        root: By what the root of the second moment is divided.
    """

    code: int
    rate: float
    keep: float
    momentum: float
    gradient: float
    root: float


class State(NamedTuple):
    """Weights, their gradient, and the two moments that an optimizer keeps; `[weight]` each."""

    p: Any
    g: Any
    m: Any
    v: Any


class StepNumbers:
    """Works out the numbers of one step after another, by the schedule of a training."""

    def __init__(self, config: TrainConfig, steps: int) -> None:
        """Begin before the first step.

        Args:
            config: Names optimizer, learning rate and schedule.
            steps: Steps of all epochs together, over which the learning rate falls.
        """
        self._config, self._steps = config, steps
        self.code = _CODES[config.optimizer]
        self._done = 0
        self._product = 1.0  # Nadam's, of all its momentum factors so far

    def take(self, count: int) -> NDArray[np.float64]:
        """The numbers of the next steps, as `Step` has them, `[step, 6]`."""
        number = self._done + np.arange(1, count + 1, dtype=np.float64)
        steps = np.zeros((count, len(Step._fields)))
        steps[:, 0] = self.code
        steps[:, 1] = self._rates(number - 1)
        steps[:, 2:4] = 1.0
        steps[:, 5] = 1.0
        if self.code in (ADAM, ADAMW, NADAM, LAZY_ADAM):
            steps[:, 5] = np.sqrt(1 - BETA_2**number)
            steps[:, 3] = 1 / (1 - BETA_1**number)
        if self.code == ADAMW:
            steps[:, 2] = 1 - _DECAY * steps[:, 1]
        if self.code == NADAM:
            now, then = (BETA_1 * (1 - 0.5 * _NADAM_DECAY**each) for each in (number, number + 1))
            products = self._product * np.cumprod(now)
            self._product = float(products[-1])
            steps[:, 3] = then / (1 - products * then)
            steps[:, 4] = (1 - now) / (1 - products)
        self._done += count
        return steps

    def next(self) -> Step:
        """The numbers of the next step."""
        code, *numbers = self.take(1)[0].tolist()
        return Step(int(code), *numbers)

    def _rates(self, done: NDArray[np.float64]) -> NDArray[np.float64]:
        """Learning rates after so many steps: constant, or Keras' schedules.

        Keras' are CosineDecay and ExponentialDecay.
        """
        first, last = self._config.learning_rate, self._config.final_rate
        share = done / self._steps
        if self._config.schedule == "cosine":
            fallen = 0.5 * (1 + np.cos(np.pi * np.minimum(share, 1.0)))
            return np.asarray(first * ((1 - last) * fallen + last))
        if self._config.schedule == "exponential":
            return np.asarray(first * last**share)
        return np.full(len(done), first)


class Segments(NamedTuple):
    """Parts of the flat arrays that have one penalty and one learning rate each, `[part]`.

    Attributes:
        begin: The first weight of each.
        end: One past the last.
        l2: Factor of the penalty.
        times: Multiplies the learning rate.
        width: Weights of a row, where an optimizer steps by row; else 0.
    """

    begin: NDArray[np.int64]
    end: NDArray[np.int64]
    l2: NDArray[np.float64]
    times: NDArray[np.float64]
    width: NDArray[np.int64]


def penalty(p: NDArray[Any], segments: Segments) -> float:
    """The L2 penalties of all weights, as Keras adds them to the loss."""
    total = 0.0
    for begin, end, l2, _, _ in zip(*segments, strict=True):
        if l2 > 0:
            own = p[begin:end].astype(np.float64)
            total += float(l2) * float(own @ own)
    return total
