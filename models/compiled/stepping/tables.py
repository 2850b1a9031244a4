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
from models.compiled.stepping.moving import accumulate, move, step_of
from models.compiled.stepping.optimizers import ADAGRAD, Segments, State
from models.compiled.stepping.waiting import WIDTH, Missed, Strip, move_waiting
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
        since: Room for the first step that each of them has missed, `[id]`.
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
    since: NDArray[np.int64]


class Layout(NamedTuple):
    """Which weights are moved in passes over all of them, and which row by row."""

    segments: Segments
    tables: Tables


class Numbers(NamedTuple):
    """The steps of an epoch.

    Attributes:
        steps: The numbers of each, as `Step` has them, `[step, 6]`.
        sizes: Rows of each step's batch, `[step]`.
        penalties: Sums of the penalties before each step, `[step]`; added to.
        paid: Other penalties of the epoch, each times the rows of its step's batch, `[1]`; added
            to.
    """

    steps: NDArray[np.float64]
    sizes: NDArray[np.float64]
    penalties: NDArray[np.float64]
    paid: NDArray[np.float64]


@numba.njit(**INSIDE)
def _catch_up(state: State, tables: Tables, numbers: Numbers, which: Any, until: int) -> None:
    """Let some ids' rows, `seen[begin:end]`, take the steps before `until` that they missed."""
    missed = Missed(tables.seen, tables.since, which[1], until)
    both = (numbers.steps, numbers.sizes)
    for n in range(len(tables.place)):
        part, width = (tables.times[n], tables.l2[n]), tables.width[n]
        if tables.waits[n] == 0 or until == 0:
            continue
        if int(numbers.steps[0, 0]) == ADAGRAD:
            _accumulate_missed(state, tables, numbers, n, missed, which[0])
            continue
        for at in range(0, width, WIDTH):
            count = np.uint64(min(WIDTH, width - at))
            place, ids = tables.place[n] + at, (tables.first[n], tables.end[n])
            strip = Strip(place, width, count, ids[0], ids[1], part)
            numbers.paid[0] += part[1] * move_waiting(state, both, strip, missed, which[0])


@numba.njit(**INSIDE)
def _accumulate_missed(
    state: State, tables: Tables, numbers: Numbers, n: int, missed: Missed, begin: int
) -> None:
    """Adagrad's part of `_catch_up`, for one table."""
    l2 = tables.l2[n]
    for place in range(begin, missed.end):
        own = missed.ids[place]
        if tables.first[n] <= own < tables.end[n]:
            for step in range(missed.since[place], missed.until):
                rate = numbers.steps[step, 1] * tables.times[n]
                squares = accumulate(state, rate, l2, _row(tables, n, own), True)
                numbers.penalties[step] += l2 * squares


@numba.njit(**INSIDE)
def _row(tables: Tables, n: Any, own: Any) -> Any:
    """The first weight of an id's row of a table, and one past its last."""
    place = tables.place[n] + (own - tables.first[n]) * tables.width[n]
    return (np.uint64(place), np.uint64(place + tables.width[n]))


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
                _fetch(state, tables, own)
                tables.seen[count], tables.since[count] = own, tables.last[own] + 1
                tables.last[own] = now
                count += 1
    _catch_up(state, tables, numbers, (0, count), now)
    return count


@numba.njit(**HOW)
def step_rows(
    state: State, tables: Tables, numbers: Numbers, now: int, begin: int, end: int
) -> None:
    """Move the rows of some ids of a batch, `seen[begin:end]`, by its step."""
    step = step_of(numbers.steps, now)
    for place in range(begin, end):
        own = tables.seen[place]
        for n in range(len(tables.place)):
            if tables.first[n] <= own < tables.end[n]:
                part = (tables.times[n], tables.l2[n])
                squares = move(state, step, part, _row(tables, n, own), True)
                numbers.penalties[now] += part[1] * squares


@numba.njit(**HOW)
def finish_rows(state: State, tables: Tables, numbers: Numbers, begin: int, end: int) -> None:
    """Take all steps of an epoch that the ids from `begin` to `end` have missed.

    `seen` and `since` of the same places are overwritten.
    """
    for own in range(begin, end):
        tables.seen[own], tables.since[own] = own, tables.last[own] + 1
        tables.last[own] = -1
    _catch_up(state, tables, numbers, (begin, end), len(numbers.steps))


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
