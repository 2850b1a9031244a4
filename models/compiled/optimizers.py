"""Our optimizers as passes over flat arrays: the same rules, one weight after another.

Every weight has its own rule and no other weight's, so that a pass may be cut anywhere and its
parts run at once: the bits are the same. Formulas: Keras 3's `Adam`, `AdamW`, `Nadam`, `RMSprop`
and `SGD` with momentum, with the default constants of each. Plain SGD, lazy Adam and row-wise
Adagrad are those of `models.optimizers.by_row`.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from models.compiled.vectors import HOW, INSIDE
from models.config import TrainConfig

ADAM, ADAMW, NADAM, RMSPROP, SGD, PLAIN_SGD, LAZY_ADAM, ADAGRAD = range(8)
_CODES = {
    "adam": ADAM, "adamw": ADAMW, "nadam": NADAM, "rmsprop": RMSPROP, "sgd": SGD,
    "plain_sgd": PLAIN_SGD, "lazy_adam": LAZY_ADAM, "rowwise_adagrad": ADAGRAD,
}  # fmt: skip

_BETA_1, _BETA_2, _RHO, _EPSILON, _MOMENTUM = 0.9, 0.999, 0.9, 1e-7, 0.9
_DECAY, _NADAM_DECAY = 0.004, 0.96
_ADAGRAD_EPSILON = 1e-8
_BLOCK = 4_096  # weights whose squares are added up in their own precision


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
        self._code = _CODES[config.optimizer]
        self._done = 0
        self._product = 1.0  # Nadam's, of all its momentum factors so far

    def next(self) -> Step:
        """The numbers of the next step."""
        rate, number = self._rate(), self._done + 1
        self._done = number
        keep, momentum, gradient, root = 1.0, 1.0, 0.0, 1.0
        if self._code in (ADAM, ADAMW, LAZY_ADAM):
            root = math.sqrt(1 - _BETA_2**number)
            momentum = 1 / (1 - _BETA_1**number)
        if self._code == ADAMW:
            keep = 1 - _DECAY * rate
        if self._code == NADAM:
            now, then = (_BETA_1 * (1 - 0.5 * _NADAM_DECAY**each) for each in (number, number + 1))
            self._product *= now
            momentum = then / (1 - self._product * then)
            gradient = (1 - now) / (1 - self._product)
            root = math.sqrt(1 - _BETA_2**number)
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
        The sum of the squares of these weights before the step, for the penalty; 0 without one.
    """
    squares = 0.0
    for block in range(begin, end, _BLOCK):
        squares += move(state, step, (times, l2), block, min(end, block + _BLOCK), False)
    return squares


@numba.njit(**HOW)
def update_rows(state: State, step: Step, part: Any, width: int, begin: int, end: int) -> float:
    """As `update`, for whole rows of a table, with what an optimizer does by row.

    Args:
        state: All weights.
        step: The step's numbers.
        part: Learning rate's factor, and the penalty's, of these weights.
        width: Weights of a row.
        begin: The first weight of the first row.
        end: One past the last weight of the last.
    """
    squares = 0.0
    for place in range(begin, end, width):
        squares += move(state, step, part, place, place + width, True)
    return squares


@numba.njit(**INSIDE)
def move(state: State, step: Step, part: Any, begin: Any, end: Any, row: bool) -> Any:
    """Move a few weights by one step and set their gradients to zero.

    Args:
        state: All weights.
        step: The step's numbers.
        part: Learning rate's factor, and the penalty's, of these weights.
        begin: The first weight.
        end: One past the last.
        row: Whether they are one row of a table, for which Adagrad has one accumulator, kept at
            the row's first weight.

    Returns:
        As `update`, in the weights' precision.
    """
    p, g, times, l2 = state.p, state.g, part[0], part[1]
    first, last, squares = np.uint64(begin), np.uint64(end), p.dtype.type(0)
    if l2 > 0:
        twice = p.dtype.type(2 * l2)
        for i in range(first, last):
            squares += p[i] * p[i]
            g[i] += twice * p[i]
    rate = p.dtype.type(step.rate * times)
    if step.code <= NADAM or step.code == LAZY_ADAM:
        _adapt(state, step, rate, first, last)
    elif step.code == ADAGRAD:
        _accumulate(state, rate, first, last, row)
    else:
        _descend(state, step.code, rate, first, last)
    return squares


@numba.njit(**INSIDE)
def _descend(state: State, code: int, rate: Any, begin: Any, end: Any) -> None:
    """The part of `move` of optimizers without a bias to correct: RMSprop and both kinds of SGD."""
    p, g, m, v = state.p, state.g, state.m, state.v
    if code == RMSPROP:
        rho, rest, epsilon = p.dtype.type(_RHO), p.dtype.type(1 - _RHO), p.dtype.type(_EPSILON)
        for i in range(begin, end):
            v[i] = rho * v[i] + rest * g[i] * g[i]
            p[i] -= rate * g[i] / np.sqrt(v[i] + epsilon)
            g[i] = 0
    elif code == SGD:
        momentum = p.dtype.type(_MOMENTUM)
        for i in range(begin, end):
            m[i] = m[i] * momentum - rate * g[i]
            p[i] += m[i]
            g[i] = 0
    else:
        for i in range(begin, end):
            p[i] -= rate * g[i]
            g[i] = 0


@numba.njit(**INSIDE)
def _accumulate(state: State, rate: Any, begin: Any, end: Any, row: bool) -> None:
    """Adagrad's part of `move`."""
    p, g, v = state.p, state.g, state.v
    epsilon, squares = p.dtype.type(_ADAGRAD_EPSILON), p.dtype.type(0)
    if row:
        for i in range(begin, end):
            squares += g[i] * g[i]
        v[begin] += squares / p.dtype.type(end - begin)
        along = rate / (np.sqrt(v[begin]) + epsilon)
        for i in range(begin, end):
            p[i] -= along * g[i]
            g[i] = 0
    else:
        for i in range(begin, end):
            v[i] += g[i] * g[i]
            p[i] -= rate * g[i] / (np.sqrt(v[i]) + epsilon)
            g[i] = 0


@numba.njit(**INSIDE)
def _adapt(state: State, step: Step, rate: Any, begin: Any, end: Any) -> None:
    """The part of `move` of Adam, AdamW, Nadam and lazy Adam."""
    p, g, m, v = state.p, state.g, state.m, state.v
    beta_1, beta_2 = p.dtype.type(1 - _BETA_1), p.dtype.type(1 - _BETA_2)
    keep, epsilon, root = p.dtype.type(step.keep), p.dtype.type(_EPSILON), p.dtype.type(step.root)
    if step.code == NADAM:
        # A form that the compiler fuses in one way only, so that bits do not depend on the loop.
        along, own = rate * p.dtype.type(step.momentum), p.dtype.type(step.gradient / step.momentum)
        over = 1 / root
        for i in range(begin, end):
            m[i] += (g[i] - m[i]) * beta_1
            v[i] += (g[i] * g[i] - v[i]) * beta_2
            p[i] -= along * (m[i] + own * g[i]) / (np.sqrt(v[i]) * over + epsilon)
            g[i] = 0
    else:
        alpha = p.dtype.type(rate * step.momentum) * root
        for i in range(begin, end):
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
