"""Rows of tables, moved when a batch has their user or movie.

A dense optimizer moves every row of a table at every step. A row that a step's batch does not have
has no gradient of its own in that step, and no one reads it: so its step is put off until a batch
has it or the epoch ends, and then all steps that it missed are taken at once, while it lies in the
fastest memory. The bits are the same. Of an optimizer that moves only the rows that a batch has,
nothing is put off, unless a penalty moves the whole table.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from models.compiled.lanes import COUNT, fetch
from models.compiled.plan import Plan
from models.compiled.space import Rows
from models.compiled.stepping.moving import move_row
from models.compiled.stepping.optimizers import Segments, State
from models.compiled.vectors import HOW, INSIDE, add, fill


class Tables(NamedTuple):
    """Tables whose rows are moved one by one. An id is a movie, or the movies' number plus a user.

    Attributes:
        place: The first weight of each, `[table]`.
        width: Weights of a row.
        first: The id of its first row.
        end: One past the id of its last.
        l2: Factor of its penalty.
        times: Multiplies its learning rate.
        waits: Whether a row moves also in steps whose batch does not have it, 1 or 0.
        last: Number of the last step that each id has taken, -1 before the first, `[id]`.
        seen: Room for the ids of a batch, `[id]`.
    """

    place: NDArray[np.int64]
    width: NDArray[np.int64]
    first: NDArray[np.int64]
    end: NDArray[np.int64]
    l2: NDArray[np.float64]
    times: NDArray[np.float64]
    waits: NDArray[np.int64]
    last: NDArray[np.int64]
    seen: NDArray[np.int64]


class Layout(NamedTuple):
    """Which weights are moved in passes over all of them, and which row by row."""

    segments: Segments
    tables: Tables


class Numbers(NamedTuple):
    """The steps of an epoch.

    Attributes:
        steps: The numbers of each, as `Step` has them, `[step, 6]`.
        penalties: Sums of the penalties before each step, `[step]`; added to.
    """

    steps: NDArray[np.float64]
    penalties: NDArray[np.float64]


@numba.njit(**INSIDE)
def _take(state: State, tables: Tables, numbers: Numbers, own: Any, until: Any, idle: bool) -> None:
    """Take an id's step before `until`; or, `idle`, all that it has missed, without a gradient."""
    for n in range(len(tables.place)):
        if (idle and tables.waits[n] == 0) or not tables.first[n] <= own < tables.end[n]:
            continue
        part, width = (tables.times[n], tables.l2[n]), tables.width[n]
        place = tables.place[n] + (own - tables.first[n]) * width
        begin = tables.last[own] + 1 if idle else until - 1
        which = (np.uint64(place), np.uint64(place + width))
        steps, penalties = numbers.steps[begin:until], numbers.penalties[begin:until]
        move_row(state, steps, part, which, penalties)


@numba.njit(**INSIDE)
def _fetch(state: State, tables: Tables, own: Any) -> None:
    """Have an id's rows, their gradients and moments brought near: its step comes soon."""
    for n in range(len(tables.place)):
        if tables.first[n] <= own < tables.end[n]:
            place = np.uint64(tables.place[n] + (own - tables.first[n]) * tables.width[n])
            for i in range(place, place + np.uint64(tables.width[n]), np.uint64(COUNT)):
                fetch(state.p, i)
                fetch(state.g, i)
                fetch(state.m, i)
                fetch(state.v, i)


@numba.njit(**HOW)
def meet(plan: Plan, state: State, tables: Tables, numbers: Numbers, rows: Rows, now: int) -> int:
    """List the ids of a batch, each once, and take the steps that they have missed.

    Args:
        plan: The network.
        state: Its weights.
        tables: Their `seen` is overwritten, and `last` of these ids is `now` afterwards.
        numbers: The epoch's steps.
        rows: The batch.
        now: Number of its step.

    Returns:
        How many ids the batch has.
    """
    count = 0
    for place in range(len(rows.movies)):
        for own in (np.int64(rows.movies[place]), plan.movies + np.int64(rows.users[place])):
            if tables.last[own] != now:
                _take(state, tables, numbers, own, now, True)
                _fetch(state, tables, own)
                tables.last[own] = now
                tables.seen[count] = own
                count += 1
    return count


@numba.njit(**HOW)
def step_rows(
    state: State, tables: Tables, numbers: Numbers, now: int, begin: int, end: int
) -> None:
    """Move the rows of some ids of a batch, `seen[begin:end]`, by its step."""
    for place in range(begin, end):
        _take(state, tables, numbers, tables.seen[place], now + 1, False)


@numba.njit(**HOW)
def finish_rows(state: State, tables: Tables, numbers: Numbers, begin: int, end: int) -> None:
    """Take all steps of an epoch that the ids from `begin` to `end` have missed."""
    for own in range(begin, end):
        _take(state, tables, numbers, own, len(numbers.steps), True)
        tables.last[own] = -1


@numba.njit(**HOW)
def settle_rows(tables: Tables, g: Any, own: Any, begin: int, end: int) -> None:
    """Move a share's sums of some ids of a batch, `seen[begin:end]`, to the batch's gradient."""
    for place in range(begin, end):
        each = tables.seen[place]
        for n in range(len(tables.place)):
            if tables.first[n] <= each < tables.end[n]:
                at = tables.place[n] + (each - tables.first[n]) * tables.width[n]
                add(g, at, own, at, tables.width[n])
                fill(own, at, tables.width[n], own.dtype.type(0))
