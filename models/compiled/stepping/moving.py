"""Moves weights by an optimizer's steps: the rules of `stepping.optimizers`, compiled.

Every weight has its own rule and no other weight's (a row's, for row-wise Adagrad), so that a pass
may be cut anywhere and its parts run at once: the bits are the same.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

from models.compiled.lanes import COUNT, nothing, put, put_some, root, take, take_some, total
from models.compiled.stepping.optimizers import (
    ADAGRAD,
    ADAGRAD_EPSILON,
    BETA_1,
    BETA_2,
    EPSILON,
    MOMENTUM,
    NADAM,
    PLAIN_SGD,
    RHO,
    RMSPROP,
    SGD,
    State,
    Step,
)
from models.compiled.vectors import HOW, INSIDE

_LANES = np.uint64(COUNT)
_BLOCK = 4_096  # weights whose squares are added up in their own precision


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
        which = (np.uint64(block), np.uint64(min(end, block + _BLOCK)))
        squares += move(state, step, (times, l2), which, False)
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
        squares += move(state, step, part, (np.uint64(place), np.uint64(place + width)), True)
    return squares


@numba.njit(**INSIDE)
def move(state: State, step: Step, part: Any, which: Any, row: bool) -> Any:
    """Move the weights from the first to before the last of `which`; returns as `update`."""
    if step.code == ADAGRAD:
        return accumulate(state, step.rate * part[0], part[1], which, row)
    squares = nothing(state.p)
    for i in range(which[0], which[1], _LANES):
        count = min(_LANES, which[1] - i)
        lanes = taken(state, step.code, i, count)
        squares += lanes.p * lanes.p
        moved = stepped(state, step, part, lanes)
        put_back(state, step.code, i, count, moved)
    return total(squares) if part[1] > 0 else state.p.dtype.type(0)


@numba.njit(**INSIDE)
def step_of(steps: Any, number: Any) -> Step:
    """One of several steps."""
    now = steps[number]
    return Step(int(now[0]), now[1], now[2], now[3], now[4], now[5])


@numba.njit(**INSIDE)
def taken(state: State, code: int, i: Any, count: Any) -> State:
    """Up to sixteen weights and what belongs to them; a moment that is not used is zeros."""
    m = v = nothing(state.p)
    if count < _LANES:
        p, g = take_some(state.p, i, count), take_some(state.g, i, count)
        if code != RMSPROP and code != PLAIN_SGD:
            m = take_some(state.m, i, count)
        if code != SGD and code != PLAIN_SGD:
            v = take_some(state.v, i, count)
    else:
        p, g = take(state.p, i), take(state.g, i)
        if code != RMSPROP and code != PLAIN_SGD:
            m = take(state.m, i)
        if code != SGD and code != PLAIN_SGD:
            v = take(state.v, i)
    return State(p, g, m, v)


@numba.njit(**INSIDE)
def put_back(state: State, code: int, i: Any, count: Any, lanes: State) -> None:
    """Store up to sixteen weights and what belongs to them."""
    if count < _LANES:
        put_some(state.p, i, lanes.p, count)
        put_some(state.g, i, lanes.g, count)
        if code != RMSPROP and code != PLAIN_SGD:
            put_some(state.m, i, lanes.m, count)
        if code != SGD and code != PLAIN_SGD:
            put_some(state.v, i, lanes.v, count)
    else:
        put(state.p, i, lanes.p)
        put(state.g, i, lanes.g)
        if code != RMSPROP and code != PLAIN_SGD:
            put(state.m, i, lanes.m)
        if code != SGD and code != PLAIN_SGD:
            put(state.v, i, lanes.v)


@numba.njit(**INSIDE)
def stepped(state: State, step: Step, part: Any, lanes: State) -> State:
    """Sixteen weights, a gradient of zero and their moments, after a step; not of Adagrad."""
    p, g, m, v = lanes
    rate, l2 = step.rate * part[0], part[1]
    if l2 > 0:
        g = g + (2 * l2) * p
    if step.code == RMSPROP:
        v = RHO * v + (1 - RHO) * (g * g)
        p = p - rate * g / root(v + EPSILON)
    elif step.code == SGD:
        m = MOMENTUM * m - rate * g
        p = p + m
    elif step.code == PLAIN_SGD:
        p = p - rate * g
    else:
        m = m + (g - m) * (1 - BETA_1)
        v = v + (g * g - v) * (1 - BETA_2)
        along = rate * step.momentum * step.root
        if step.code == NADAM:
            moved = m + (step.gradient / step.momentum) * g
            p = p - along * moved / (root(v) + EPSILON * step.root)
        else:
            p = step.keep * p - along * m / (root(v) + EPSILON)
    return State(p, nothing(state.p), m, v)


@numba.njit(**INSIDE)
def accumulate(state: State, rate: float, l2: float, which: Any, row: bool) -> Any:
    """Adagrad's part of `move`."""
    p, g, v = state.p, state.g, state.v
    number, (first, last) = p.dtype.type, which
    rate, epsilon, squares, paid = number(rate), number(ADAGRAD_EPSILON), number(0), number(0)
    if l2 > 0:
        for i in range(first, last):
            paid += p[i] * p[i]
            g[i] += number(2 * l2) * p[i]
    if row:
        for i in range(first, last):
            squares += g[i] * g[i]
        v[first] += squares / number(last - first)
        along = rate / (np.sqrt(v[first]) + epsilon)
        for i in range(first, last):
            p[i] -= along * g[i]
            g[i] = 0
    else:
        for i in range(first, last):
            v[i] += g[i] * g[i]
            p[i] -= rate * g[i] / (np.sqrt(v[i]) + epsilon)
            g[i] = 0
    return paid
