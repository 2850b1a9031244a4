"""Rows of tables take the steps that they have missed, four rows side by side.

Each step of a row waits for the one before it: for its products, its root and its quotient. A
processor works on other rows meanwhile. As soon as one row has taken all of its steps, the next one
takes its place. A row's bits do not depend on the rows beside it.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numba
import numpy as np

from models.compiled.lanes import COUNT, nothing, total
from models.compiled.stepping.moving import put_back, step_of, stepped, taken
from models.compiled.stepping.optimizers import State
from models.compiled.vectors import HOW, INSIDE

WIDTH = COUNT
"""Weights of a row that are moved at once; the rest of a longer row follows later."""

_NEVER = 1 << 62
_TOGETHER = 512  # steps whose squares are added up in the weights' own precision


class Strip(NamedTuple):
    """Some neighbouring weights of each row of a table.

    Attributes:
        place: The first of them in the first row.
        width: Weights from a row's to those of the next row.
        count: How many of a row they are, at most `WIDTH`, uint64.
        first: The id of the first row.
        end: One past the id of the last.
        part: Learning rate's factor, and the penalty's, of these weights.
    """

    place: int
    width: int
    count: Any
    first: int
    end: int
    part: tuple[float, float]


class Missed(NamedTuple):
    """Ids, and the steps that each has missed.

    Attributes:
        ids: The ids, `[id]`; those of other tables are passed over.
        since: The first step that each has missed, `[id]`.
        end: One past the place of the last id.
        until: One past the last step that each has missed.
    """

    ids: Any
    since: Any
    end: int
    until: int


class _Row(NamedTuple):
    """A row on its way.

    Attributes:
        lanes: Its weights in the strip and what belongs to them; zeros where they are fewer.
        place: Where the first one lies, uint64.
        at: The step that it takes next.
        left: How many it has yet to take; `_NEVER` if it is no row.
    """

    lanes: State
    place: Any
    at: int
    left: int


@numba.njit(**HOW)
def move_waiting(state: State, numbers: Any, strip: Strip, missed: Missed, begin: int) -> float:
    """Let rows of a table take steps in which they have no gradient; not those of Adagrad.

    Args:
        state: All weights.
        numbers: The numbers of each step, as `Step` has them, `[step, 6]`; and the rows of each
            step's batch, `[step]`.
        strip: The weights that are moved.
        missed: Which steps.
        begin: The place of the first id.

    Returns:
        The sum of the squares before each step, each times the rows of its batch; 0 without a
        penalty.
    """
    code, squares = int(numbers[0][0, 0]), 0.0
    a, n = _next(state, code, strip, missed, begin)
    b, n = _next(state, code, strip, missed, n)
    c, n = _next(state, code, strip, missed, n)
    d, n = _next(state, code, strip, missed, n)
    while min(a.left, b.left, c.left, d.left) != _NEVER:
        count = min(a.left, b.left, c.left, d.left, _TOGETHER)
        (a, b, c, d), paid = _together(state, numbers, strip.part, (a, b, c, d), count)
        squares += paid
        a, n = _go_on(state, code, (strip, missed, n), a)
        b, n = _go_on(state, code, (strip, missed, n), b)
        c, n = _go_on(state, code, (strip, missed, n), c)
        d, n = _go_on(state, code, (strip, missed, n), d)
    return squares


@numba.njit(**INSIDE)
def _together(state: State, numbers: Any, part: Any, rows: Any, count: int) -> tuple[Any, Any]:
    """Let four rows take so many steps each; and the sum that `move_waiting` returns, of these."""
    (steps, sizes), (one, two, three, four) = numbers, rows
    a, b, c, d, squares = one.lanes, two.lanes, three.lanes, four.lanes, nothing(state.p)
    for i in range(count):
        if part[1] > 0:
            squares += sizes[one.at + i] * (a.p * a.p)
            squares += sizes[two.at + i] * (b.p * b.p)
            squares += sizes[three.at + i] * (c.p * c.p)
            squares += sizes[four.at + i] * (d.p * d.p)
        a = stepped(state, step_of(steps, one.at + i), part, a)
        b = stepped(state, step_of(steps, two.at + i), part, b)
        c = stepped(state, step_of(steps, three.at + i), part, c)
        d = stepped(state, step_of(steps, four.at + i), part, d)
    moved = (
        _after(one, a, count),
        _after(two, b, count),
        _after(three, c, count),
        _after(four, d, count),
    )
    return moved, total(squares)


@numba.njit(**INSIDE)
def _next(state: State, code: int, strip: Strip, missed: Missed, n: int) -> tuple[_Row, int]:
    """Load the next row that has missed a step; and the place after its id's."""
    while n < missed.end:
        own, at = missed.ids[n], missed.since[n]
        n += 1
        if strip.first <= own < strip.end and at < missed.until:
            place = np.uint64(strip.place + (own - strip.first) * strip.width)
            lanes = taken(state, code, place, strip.count)
            return _Row(lanes, place, at, missed.until - at), n
    return _Row(_none(state), np.uint64(0), 0, _NEVER), n


@numba.njit(**INSIDE)
def _none(state: State) -> State:
    zeros = nothing(state.p)
    return State(zeros, zeros, zeros, zeros)


@numba.njit(**INSIDE)
def _after(row: _Row, lanes: State, count: int) -> _Row:
    """A row that has taken so many steps."""
    if row.left == _NEVER:
        return row
    return _Row(lanes, row.place, row.at + count, row.left - count)


@numba.njit(**INSIDE)
def _go_on(state: State, code: int, work: Any, row: _Row) -> Any:
    """The row itself, or the next one once it has taken all of its steps and is stored."""
    strip, missed, n = work
    if row.left > 0:
        return row, n
    put_back(state, code, row.place, strip.count, row.lanes)
    return _next(state, code, strip, missed, n)
