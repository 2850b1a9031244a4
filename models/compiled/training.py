"""Trains one of our networks by compiled functions: epochs, and the scores of a part."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.compiled.network.first_layer import work_out_first
from models.compiled.network.rows import score_rows
from models.compiled.plan import Plan
from models.compiled.space import Batch, Rows, make_first, make_space
from models.compiled.stepping.hands import Hands, parts_of
from models.compiled.stepping.optimizers import State, StepNumbers
from models.compiled.stepping.passes import (
    LARGE,
    Done,
    Halted,
    Steps,
    share_of,
    shares_first,
    sums_of,
    take_small_steps,
)
from models.compiled.stepping.singles import are_singles, take_single_steps
from models.compiled.stepping.tables import Layout, Numbers, finish_rows

_STEPS = 64  # small steps of one call
_SINGLES = 65_536  # steps on one row each, of one call


class Metrics(NamedTuple):
    """What an epoch's training scored."""

    loss: float
    rmse: float


class Training:
    """A network while it is trained on some rows.

    Threads: one thread uses it; it hands work to those of `hands`.
    """

    def __init__(
        self,
        plan: Plan,
        state: State,
        layouts: tuple[Layout, Layout],
        numbers: StepNumbers,
        hands: Hands,
    ) -> None:
        """Make the memory of steps; no row is looked at.

        Args:
            plan: The network.
            state: Its weights, in place.
            layouts: Of its weights, for steps on small and on large batches.
            numbers: Gives each step its numbers.
            hands: Threads.
        """
        self._plan, self._state, self._hands = plan, state, hands
        self._layout, large = layouts
        self._numbers = numbers
        self._large = Steps(plan, state, large, hands)
        self._small = make_space(plan, state.p.dtype)._replace(gradient=state.g)

    def epoch(
        self,
        rows: Rows,
        order: NDArray[np.int64],
        size: int,
        key: Any,
        goes_on: Callable[[float], bool] = lambda share: True,
    ) -> Metrics | None:
        """Train one epoch.

        Args:
            rows: All train rows.
            order: Which of them are trained on, and in what order.
            size: Rows of a batch.
            key: Of the masks.
            goes_on: Is asked between calls, with the share of the rows that are trained.

        Returns:
            Loss and RMSE of the batches, each before its step, dropout on; None where the training
            does not go on.
        """
        first = np.zeros(0, self._state.p.dtype)
        batch = Batch(rows.at(order), order, first, key, 0.0)
        if are_singles(self._plan, self._layout, self._numbers.code, size):
            return self._single_steps(batch, goes_on)
        steps = self._numbers.take(-(-len(order) // size))
        sizes = np.minimum(size, len(order) - size * np.arange(len(steps))).astype(np.float64)
        numbers = Numbers(steps, sizes, np.zeros(len(steps)), np.zeros(1))
        take = self._large_steps if size >= LARGE else self._small_steps
        try:
            wrong, paid = take(batch, size, numbers, goes_on)
        except Halted:
            return None
        penalties = float(numbers.penalties @ sizes) + float(numbers.paid[0]) + paid
        return Metrics((wrong + penalties) / len(order), math.sqrt(wrong / len(order)))

    def _large_steps(
        self, batch: Batch, size: int, numbers: Numbers, goes_on: Callable[[float], bool]
    ) -> tuple[float, float]:
        """Sums of squared errors, and of what the ratings paid."""
        wrong = paid = 0.0
        for number in range(len(numbers.steps)):
            begin = number * size
            end = min(len(batch.order), begin + size)
            part = share_of(batch, begin, end)._replace(weight=2.0 / (end - begin))
            done = Done(goes_on, begin / len(batch.order), end / len(batch.order))
            sums = self._large.take(part, numbers, number, done)
            wrong, paid = wrong + sums[0], paid + sums[1]
        return wrong, paid

    def _small_steps(
        self, batch: Batch, size: int, numbers: Numbers, goes_on: Callable[[float], bool]
    ) -> tuple[float, float]:
        """As `_large_steps`, many steps a call."""
        plan, state, layout = self._plan, self._state, self._layout
        work, count = (batch, size, self._small), len(numbers.steps)
        for begin in range(0, count, _STEPS):
            which = (begin, min(count, begin + _STEPS))
            call = partial(take_small_steps, plan, state, work, tuple(layout), numbers, which)
            self._hands.run([call])
            if not goes_on(which[1] / count):
                raise Halted
        self._finish(numbers)
        return sums_of(plan, [self._small])

    def _single_steps(self, batch: Batch, goes_on: Callable[[float], bool]) -> Metrics | None:
        """An epoch of steps on one row each."""
        plan, state, count = self._plan, self._state, len(batch.order)
        times, work = float(self._layout.tables.times[0]), (batch, self._small)
        for begin in range(0, count, _SINGLES):
            steps = self._numbers.take(min(_SINGLES, count - begin))
            call = partial(take_single_steps, plan, state, work, times, steps, begin)
            self._hands.run([call])
            if not goes_on((begin + len(steps)) / count):
                return None
        wrong, paid = sums_of(plan, [self._small])
        return Metrics((wrong + paid) / count, math.sqrt(wrong / count))

    def _finish(self, numbers: Numbers) -> None:
        """Let all rows take the steps that were put off."""
        tables = self._layout.tables
        if not len(tables.place):
            return
        parts = parts_of(len(tables.last))
        unpaid = (np.zeros_like(numbers.penalties) for _ in parts)
        apart = [numbers._replace(penalties=each, paid=np.zeros(1)) for each in unpaid]
        self._hands.run(
            [
                partial(finish_rows, self._state, tables, own, *part)
                for part, own in zip(parts, apart, strict=True)
            ]
        )
        for own in apart:
            numbers.penalties[:] += own.penalties
            numbers.paid[:] += own.paid


def predict(plan: Plan, p: NDArray[Any], rows: Rows, hands: Hands) -> NDArray[Any]:
    """Predict rows by a network's weights, dropout off.

    Args:
        plan: The network.
        p: Its weights.
        rows: What to predict; their own scores are not read.
        hands: Threads; a row's prediction does not depend on the others.

    Returns:
        Predictions, `[row]`.
    """
    off = plan._replace(dropped=np.zeros_like(plan.dropped), factor_dropped=np.uint64(0))
    count, ids = len(rows.movies), plan.movies + plan.users
    first = np.zeros(0, p.dtype)
    if shares_first(off, count):
        first = make_first(plan, p.dtype)
        hands.run([partial(work_out_first, plan, p, first, *part) for part in parts_of(ids)])
    scores = np.zeros(count, p.dtype)
    hands.run(
        [
            partial(
                score_rows,
                plan,
                p,
                rows.at(slice(begin, end)),
                first,
                make_space(plan, p.dtype, trains=False),
                scores[begin:end],
            )
            for begin, end in parts_of(count)
        ]
    )
    return scores
