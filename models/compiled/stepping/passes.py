"""Steps of a training, each on a batch of rows.

The rows of a large batch are divided into a fixed number of shares, and sums of shares are added in
their order. How many threads work on the shares changes the time and no bit. Steps on small batches
have one share, and many of them are one call.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple

import numba
import numpy as np

from models.compiled.network.first_layer import return_first, work_out_first
from models.compiled.network.rows import add_rows
from models.compiled.plan import Plan
from models.compiled.space import Batch, Rows, Space, make_first, make_space
from models.compiled.stepping.hands import SHARES, Hands, parts_of
from models.compiled.stepping.moving import step_of, update, update_rows
from models.compiled.stepping.optimizers import Segments, State, Step
from models.compiled.stepping.tables import Layout, Numbers, meet, settle_rows, step_rows
from models.compiled.vectors import HOW, INSIDE, add, fill

LARGE = 2_048
"""Rows of a batch from which on it is divided into shares."""

_PIECE = 262_144  # weights that a thread moves at once
_ROWS = 131_072  # rows of a share between two questions whether the training goes on


class Halted(Exception):
    """The training does not go on, inside an epoch."""


class Done(NamedTuple):
    """Asks whether a training goes on while a step is taken.

    Attributes:
        goes_on: Is asked, with the share of the epoch's rows that are trained.
        begin: That share before the step.
        end: That share after it.
    """

    goes_on: Callable[[float], bool]
    begin: float
    end: float

    def ask(self, share: float) -> None:
        """Ask when a share of the step's rows is worked on.

        Raises:
            Halted: The training does not go on.
        """
        if not self.goes_on(self.begin + share * (self.end - self.begin)):
            raise Halted


ALWAYS = Done(lambda share: True, 0.0, 1.0)


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


@numba.njit(**INSIDE)
def part_of(batch: Batch, begin: Any, end: Any) -> Batch:
    """Some rows of a batch as a batch of their own."""
    rows = batch.rows
    part = Rows(rows.movies[begin:end], rows.users[begin:end], rows.scores[begin:end])
    return Batch(part, batch.order[begin:end], batch.first, batch.key, 2.0 / (end - begin))


@numba.njit(**HOW)
def take_small_steps(
    plan: Plan, state: State, work: Any, layout: Any, numbers: Numbers, which: Any
) -> None:
    """Take steps on small batches, one after another.

    Args:
        plan: The network.
        state: Its weights and moments.
        work: The rows of an epoch, the rows of a batch, memory whose gradient is the state's own.
        layout: As of `models.compiled.weights.layout`.
        numbers: The epoch's steps.
        which: The first of those to take, and one past the last.
    """
    rows, size, space = work
    segments, tables = layout
    for number in range(which[0], which[1]):
        batch = part_of(rows, number * size, min(len(rows.order), (number + 1) * size))
        ids = 0
        if len(tables.place) > 0:
            ids = meet(plan, state, tables, numbers, batch.rows, number)
        add_rows(plan, state.p, batch, space)
        settle(plan, state.g, space, plan.small, plan.size)
        step_rows(state, tables, numbers, number, 0, ids)
        step = step_of(numbers.steps, number)
        for n in range(len(segments.begin)):
            l2, times = segments.l2[n], segments.times[n]
            begin, end, width = segments.begin[n], segments.end[n], segments.width[n]
            if width > 0:
                squares = update_rows(state, step, (times, l2), width, begin, end)
            else:
                squares = update(state, step, times, l2, begin, end)
            numbers.penalties[number] += l2 * squares


@numba.njit(**HOW)
def gather(into: Any, part: Any, begin: int, end: int) -> None:
    """Add a part of one array to another and set it to zero."""
    add(into, begin, part, begin, end - begin)
    fill(part, begin, end - begin, part.dtype.type(0))


class Steps:
    """Takes the steps of a training on large batches."""

    def __init__(self, plan: Plan, state: State, layout: Layout, hands: Hands) -> None:
        self._plan, self._state, self._hands = plan, state, hands
        self._segments, self._tables = layout
        self._first = np.zeros(0, state.p.dtype)
        self._spaces: list[Space] = []
        self._pieces = list(_pieces(self._segments))

    def take(
        self, batch: Batch, numbers: Numbers, number: int, done: Done = ALWAYS
    ) -> tuple[float, float]:
        """Take one step of an epoch; return the batch's sums, as `sums_of`, before it.

        Raises:
            Halted: The training does not go on; weights and sums are not to be used again.
        """
        state, ids = self._state, self._meet(batch, numbers, number)
        sums = self._gradient(batch, ids, done)
        step = Step(int(numbers.steps[number, 0]), *map(float, numbers.steps[number, 1:]))
        squares = self._hands.run([partial(_update, state, step, piece) for piece in self._pieces])
        self._hands.run(
            [partial(step_rows, state, self._tables, numbers, number, *part) for part in ids]
        )
        pairs = zip(self._pieces, squares, strict=True)
        numbers.penalties[number] += sum(piece.l2 * float(square) for piece, square in pairs)
        return sums

    def _meet(self, batch: Batch, numbers: Numbers, number: int) -> list[tuple[int, int]]:
        """List the batch's ids, where rows are moved one by one; their parts: begin and end."""
        if not len(self._tables.place):
            return []
        count = meet(self._plan, self._state, self._tables, numbers, batch.rows, number)
        return parts_of(count)

    def gradient(self, batch: Batch) -> tuple[float, float]:
        """Add a batch's gradient to the state's; return its sums, as `sums_of`."""
        return self._gradient(batch, [], ALWAYS)

    def _gradient(
        self, batch: Batch, ids: list[tuple[int, int]], done: Done
    ) -> tuple[float, float]:
        """As `gradient`, and some ids' rows of tables that are moved one by one."""
        rows = len(batch.order)
        self._prepare(rows)
        self._work_out()
        self._add(batch._replace(first=self._first), done)
        self._return()
        run = self._hands.run
        run([partial(self._settle, piece.begin, piece.end) for piece in self._pieces])
        run([partial(self._settle_rows, begin, end) for begin, end in ids])
        return sums_of(self._plan, self._spaces)

    def _add(self, batch: Batch, done: Done) -> None:
        """Add a batch's rows to its shares' sums, some of each share at a time."""
        plan, p = self._plan, self._state.p
        shares = list(zip(parts_of(len(batch.order)), self._spaces, strict=True))
        longest = max(end - begin for (begin, end), _ in shares)
        for at in range(0, longest, _ROWS):
            pieces = [
                (share_of(batch, begin + at, min(end, begin + at + _ROWS)), space)
                for (begin, end), space in shares
                if begin + at < end
            ]
            self._hands.run([partial(add_rows, plan, p, part, space) for part, space in pieces])
            done.ask(min(1.0, (at + _ROWS) / longest))

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

    def _settle_rows(self, begin: int, end: int) -> None:
        for space in self._spaces:
            settle_rows(self._tables, self._state.g, space.gradient, begin, end)


class _Piece(NamedTuple):
    """Weights that a thread moves at once; the names are those of `Segments`."""

    begin: int
    end: int
    l2: float
    times: float
    width: int


def _pieces(segments: Segments) -> Iterator[_Piece]:
    """Cut segments into pieces of whole rows."""
    for start, end, l2, times, width in zip(*segments, strict=True):
        most = _PIECE // int(width) * int(width) if width else _PIECE
        for begin in range(int(start), int(end), most):
            piece_end = min(begin + most, int(end))
            yield _Piece(begin, piece_end, float(l2), float(times), int(width))


def _update(state: State, step: Step, piece: _Piece) -> float:
    """Move a piece; return the sum of its squares before the step."""
    begin, end, l2, times, width = piece
    if width:
        return float(update_rows(state, step, (times, l2), width, begin, end))
    return float(update(state, step, times, l2, begin, end))


def share_of(batch: Batch, begin: int, end: int) -> Batch:
    """Some rows of a batch; their gradient is weighted as the whole batch's."""
    part = slice(begin, end)
    return batch._replace(rows=batch.rows.at(part), order=batch.order[part])


def sums_of(plan: Plan, spaces: list[Space]) -> tuple[float, float]:
    """The squared errors of shares, and the penalties that their ratings pay; both begin anew."""
    wrong, squares = (sum(float(space.wrong[n]) for space in spaces) for n in (0, 1))
    for space in spaces:
        space.wrong[:] = 0
    return wrong, plan.l2_rating * squares if plan.l2_rating > 0 else 0.0


def shares_first(plan: Plan, rows: int) -> bool:
    """Whether the first layer is worked out for each user and movie once, for so many rows."""
    has_layers = len(plan.units) > 1
    return has_layers and plan.dropped[0] == 0 and 2 * rows >= plan.movies + plan.users
