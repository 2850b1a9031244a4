"""Keras' optimizers as passes over flat arrays: the same rules, one weight after another.

Every weight has its own rule and no other weight's, so that a pass may be cut anywhere and its
parts run at once: the bits are the same. Formulas: Keras 3's `Adam`, `AdamW`, `Nadam`, `RMSprop`
and `SGD` with momentum, with the default constants of each.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from models.compiled.vectors import HOW, INSIDE
from models.config import TrainConfig

ADAM, ADAMW, NADAM, RMSPROP, SGD = range(5)
_CODES = {"adam": ADAM, "adamw": ADAMW, "nadam": NADAM, "rmsprop": RMSPROP, "sgd": SGD}

_BETA_1, _BETA_2, _RHO, _EPSILON, _MOMENTUM = 0.9, 0.999, 0.9, 1e-7, 0.9
_DECAY, _NADAM_DECAY = 0.004, 0.96


class Step(NamedTuple):
    """The numbers of one step that are the same for all weights.

    Attributes:
        code: Which optimizer.
        rate: The learning rate of this step.
        keep: What is left of a weight after its decay; 1 without decay.
        momentum: By what the update's first moment is multiplied, learning rate left out.
        gradient: By what the gradient itself is, as Nadam does.
        root: By what the second moment is divided before the root.
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
        self._code = _CODES[config.optimizer]
        self._done = 0
        self._product = 1.0  # Nadam's, of all its momentum factors so far

    def next(self) -> Step:
        """The numbers of the next step."""
        rate, number = self._rate(), self._done + 1
        self._done = number
        keep, momentum, gradient, root = 1.0, 1.0, 0.0, 1.0
        if self._code in (ADAM, ADAMW):
            root = 1 - _BETA_2**number
            momentum = 1 / (1 - _BETA_1**number)
        if self._code == ADAMW:
            keep = 1 - _DECAY * rate
        if self._code == NADAM:
            now, then = (_BETA_1 * (1 - 0.5 * _NADAM_DECAY**each) for each in (number, number + 1))
            self._product *= now
            momentum = then / (1 - self._product * then)
            gradient = (1 - now) / (1 - self._product)
            root = 1 - _BETA_2**number
        return Step(self._code, rate, keep, momentum, gradient, root)

    def _rate(self) -> float:
        """The learning rate of the next step: constant, or Keras' CosineDecay, ExponentialDecay."""
        first, last = self._config.learning_rate, self._config.final_rate
        share = self._done / self._steps
        if self._config.schedule == "cosine":
            fallen = 0.5 * (1 + math.cos(math.pi * min(share, 1.0)))
            return first * ((1 - last) * fallen + last)
        if self._config.schedule == "exponential":
            return float(first * last**share)
        return first


@numba.njit(**HOW)
def update(state: State, step: Step, times: float, l2: float, begin: int, end: int) -> float:
    """Move some weights by one step and set their gradients to zero.

    Args:
        state: All weights.
        step: The step's numbers.
        times: Multiplies the learning rate of these weights, but not their decay.
        l2: Factor of their L2 penalty, whose gradient is twice it times the weight.
        begin: The first weight.
        end: One past the last.

    Returns:
        The sum of the squares of these weights before the step, for the penalty.
    """
    p, g, m, v = state.p, state.g, state.m, state.v
    rate, keep = p.dtype.type(step.rate * times), p.dtype.type(step.keep)
    twice, epsilon = p.dtype.type(2 * l2), p.dtype.type(_EPSILON)
    squares = 0.0
    if l2 > 0:
        for i in range(np.uint64(begin), np.uint64(end)):
            squares += p[i] * p[i]
            g[i] += twice * p[i]
    if step.code == SGD:
        momentum = p.dtype.type(_MOMENTUM)
        for i in range(np.uint64(begin), np.uint64(end)):
            m[i] = m[i] * momentum - rate * g[i]
            p[i] += m[i]
            g[i] = 0
    elif step.code == RMSPROP:
        rho, rest = p.dtype.type(_RHO), p.dtype.type(1 - _RHO)
        for i in range(np.uint64(begin), np.uint64(end)):
            v[i] = rho * v[i] + rest * g[i] * g[i]
            p[i] -= rate * g[i] / np.sqrt(v[i] + epsilon)
            g[i] = 0
    else:
        _adapt(state, step, rate, keep, begin, end)
    return squares


@numba.njit(**INSIDE)
def _adapt(state: State, step: Step, rate: Any, keep: Any, begin: int, end: int) -> None:
    """Adam's, AdamW's and Nadam's part of `update`."""
    p, g, m, v = state.p, state.g, state.m, state.v
    beta_1, beta_2 = p.dtype.type(1 - _BETA_1), p.dtype.type(1 - _BETA_2)
    epsilon = p.dtype.type(_EPSILON)
    root = p.dtype.type(math.sqrt(step.root))
    if step.code == NADAM:
        first, second = p.dtype.type(step.momentum), p.dtype.type(step.gradient)
        for i in range(np.uint64(begin), np.uint64(end)):
            m[i] += (g[i] - m[i]) * beta_1
            v[i] += (g[i] * g[i] - v[i]) * beta_2
            moved = first * m[i] + second * g[i]
            p[i] -= rate * moved / (np.sqrt(v[i]) / root + epsilon)
            g[i] = 0
    else:
        alpha = p.dtype.type(rate * step.momentum) * root
        for i in range(np.uint64(begin), np.uint64(end)):
            m[i] += (g[i] - m[i]) * beta_1
            v[i] += (g[i] * g[i] - v[i]) * beta_2
            p[i] = keep * p[i] - alpha * m[i] / (np.sqrt(v[i]) + epsilon)
            g[i] = 0


class Segments(NamedTuple):
    """Parts of the flat arrays that have one penalty and one learning rate each, `[part]`.

    Attributes:
        begin: The first weight of each.
        end: One past the last.
        l2: Factor of the penalty.
        times: Multiplies the learning rate.
    """

    begin: NDArray[np.int64]
    end: NDArray[np.int64]
    l2: NDArray[np.float64]
    times: NDArray[np.float64]


def penalty(p: NDArray[Any], segments: Segments) -> float:
    """The L2 penalties of all weights, as Keras adds them to the loss."""
    total = 0.0
    for begin, end, l2, _ in zip(*segments, strict=True):
        if l2 > 0:
            own = p[begin:end].astype(np.float64)
            total += float(l2) * float(own @ own)
    return total
