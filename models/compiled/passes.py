"""Steps of a training, each on a batch of rows.

The rows of a large batch are divided into a fixed number of shares, and sums of shares are added in
their order. How many threads work on the shares changes the time and no bit. Steps on small batches
have one share, and many of them are one call.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from itertools import pairwise
from typing import Any

import numba
import numpy as np

from models.compiled.first_layer import return_first, work_out_first
from models.compiled.optimizers import Segments, State, Step, update
from models.compiled.plan import Plan
from models.compiled.rows import add_rows
from models.compiled.space import Batch, Space, make_first, make_space
from models.compiled.vectors import HOW, add, fill

SHARES = 4
LARGE = 2_048
"""Rows of a batch from which on it is divided into shares."""

_PIECE = 262_144  # weights that a thread moves at once


@numba.njit(**HOW)
def settle(plan: Plan, g: Any, space: Space, begin: int, end: int) -> None:
    """Move a share's sums to the gradient of the batch, for the weights from `begin` to `end`.

    Args:
        plan: The network.
        g: The gradient of the batch.
        space: The share's memory; what is moved is zero afterwards.
        begin: The first weight.
        end: One past the last.
    """
    own, middle = space.gradient, max(begin, min(end, plan.small))
    add(g, begin, own, begin, middle - begin)
    fill(own, begin, middle - begin, own.dtype.type(0))
    at, of = np.uint64(middle), np.uint64(middle - plan.small)
    for i in range(np.uint64(end - middle)):
        g[at + i] += g.dtype.type(space.total[of + i])
        space.total[of + i] = 0


@numba.njit(**HOW)
def take_small_steps(
    plan: Plan, state: State, work: Any, segments: Segments, steps: Any, penalties: Any
) -> None:
    """Take steps on small batches, one after another.

    Args:
        plan: The network.
        state: Its weights and moments.
        work: The rows of all batches, the rows of one, memory whose gradient is the state's own.
        segments: Penalties and learning rates.
        steps: The optimizer's code and numbers of each step, `[step, 6]`.
        penalties: Overwritten with the penalties before each step, `[step]`.
    """
    batch, size, space = work
    for number in range(len(steps)):
        order = batch.order[number * size : (number + 1) * size]
        part = Batch(batch.rows, order, batch.first, batch.key, 2.0 / len(order))
        add_rows(plan, state.p, part, space)
        settle(plan, state.g, space, plan.small, plan.size)
        now = steps[number]
        step = Step(int(now[0]), now[1], now[2], now[3], now[4], now[5])
        penalties[number] = 0.0
        for n in range(len(segments.begin)):
            l2, times = segments.l2[n], segments.times[n]
            begin, end = segments.begin[n], segments.end[n]
            penalties[number] += l2 * update(state, step, times, l2, begin, end)


@numba.njit(**HOW)
def gather(into: Any, part: Any, begin: int, end: int) -> None:
    """Add a part of one array to another and set it to zero."""
    add(into, begin, part, begin, end - begin)
    fill(part, begin, end - begin, part.dtype.type(0))


class Hands:
    """Runs calls of compiled functions at once, as many as there are threads."""

    def __init__(self, pool: ThreadPoolExecutor | None) -> None:
        self._pool = pool

    @classmethod
    @contextmanager
    def of(cls, threads: int) -> Iterator[Hands]:
        """Start the threads, for a `with` block; a single one is the caller's own."""
        if threads == 1:
            yield cls(None)
        else:
            with ThreadPoolExecutor(min(threads, SHARES)) as pool:
                yield cls(pool)

    def run(self, calls: list[Callable[[], Any]]) -> list[Any]:
        """Run calls, and return their results in their order once all are done."""
        if self._pool is None:
            return [call() for call in calls]
        return [future.result() for future in [self._pool.submit(call) for call in calls]]


class Steps:
    """Takes the steps of a training on large batches."""

    def __init__(self, plan: Plan, state: State, segments: Segments, hands: Hands) -> None:
        self._plan, self._state, self._segments, self._hands = plan, state, segments, hands
        self._first = np.zeros(0, state.p.dtype)
        self._spaces: list[Space] = []
        self._pieces = [
            (int(begin), min(int(begin) + _PIECE, int(end)), float(l2), float(times))
            for start, end, l2, times in zip(*segments, strict=True)
            for begin in range(int(start), int(end), _PIECE)
        ]

    def take(self, batch: Batch, step: Step) -> tuple[float, float]:
        """Take one step; return the batch's sum of squared errors and the penalties before it."""
        wrong = self.gradient(batch)
        state = self._state
        squares = self._hands.run(
            [
                partial(update, state, step, times, l2, begin, end)
                for begin, end, l2, times in self._pieces
            ]
        )
        penalties = zip(self._pieces, squares, strict=True)
        return wrong, sum(l2 * float(square) for (_, _, l2, _), square in penalties)

    def gradient(self, batch: Batch) -> float:
        """Add a batch's gradient to the state's; return its sum of squared errors."""
        self._prepare(len(batch.order))
        self._work_out()
        plan, p, run = self._plan, self._state.p, self._hands.run
        shares = [
            batch._replace(order=part, first=self._first)
            for part in np.array_split(batch.order, SHARES)
        ]
        pairs = zip(shares, self._spaces, strict=True)
        run([partial(add_rows, plan, p, part, space) for part, space in pairs])
        self._return()
        run([partial(self._settle, begin, end) for begin, end, _, _ in self._pieces])
        wrong = sum(float(space.wrong[0]) for space in self._spaces)
        for space in self._spaces:
            space.wrong[0] = 0
        return wrong

    def _prepare(self, rows: int) -> None:
        """Make the shares' memory before the first step."""
        if self._spaces:
            return
        shared = shares_first(self._plan, rows)
        dtype = self._state.p.dtype
        self._spaces = [make_space(self._plan, dtype, shared=shared) for _ in range(SHARES)]
        if shared:
            self._first = make_first(self._plan, dtype)

    def _ids(self) -> list[tuple[int, int]]:
        """The ids of each share, movies before users; none where no first layer is shared."""
        if not len(self._first):
            return []
        return parts_of(self._plan.movies + self._plan.users)

    def _work_out(self) -> None:
        """Work the first layer out for each movie and user, where it is shared."""
        plan, p, first = self._plan, self._state.p, self._first
        self._hands.run(
            [partial(work_out_first, plan, p, first, begin, end) for begin, end in self._ids()]
        )

    def _return(self) -> None:
        """Take the gradients of a shared first layer back to what it was worked out from."""
        plan, state, ids = self._plan, self._state, self._ids()
        if not ids:
            return
        sums = self._spaces[0].first
        self._hands.run([partial(self._gather, begin, end) for begin, end in ids])
        shares = zip(ids, self._spaces, strict=True)
        self._hands.run(
            [
                partial(return_first, plan, state, sums, space, begin, end)
                for (begin, end), space in shares
            ]
        )

    def _gather(self, begin: int, end: int) -> None:
        """Add the other shares' sums of some ids to the first share's, in their order."""
        width = int(self._plan.widths[1])
        for space in self._spaces[1:]:
            gather(self._spaces[0].first, space.first, begin * width, end * width)

    def _settle(self, begin: int, end: int) -> None:
        for space in self._spaces:
            settle(self._plan, self._state.g, space, begin, end)


def shares_first(plan: Plan, rows: int) -> bool:
    """Whether the first layer is worked out for each user and movie once, for so many rows."""
    has_layers = len(plan.units) > 1
    return has_layers and plan.dropped[0] == 0 and 2 * rows >= plan.movies + plan.users


def parts_of(count: int) -> list[tuple[int, int]]:
    """Divide the numbers below `count` into as many parts as a batch has shares: begin and end."""
    edges = [count * number // SHARES for number in range(SHARES + 1)]
    return list(pairwise(edges))
