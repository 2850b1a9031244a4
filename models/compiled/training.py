"""Trains one of our networks by compiled functions: epochs, and the scores of a part."""

from __future__ import annotations

import math
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.compiled.first_layer import work_out_first
from models.compiled.optimizers import Segments, State, StepNumbers
from models.compiled.passes import (
    LARGE,
    Hands,
    Steps,
    parts_of,
    shares_first,
    take_small_steps,
)
from models.compiled.plan import Plan
from models.compiled.rows import score_rows
from models.compiled.space import Batch, Rows, make_first, make_space

_STEPS = 64  # small steps of one call


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
        segments: Segments,
        numbers: StepNumbers,
        hands: Hands,
    ) -> None:
        """Make the memory of steps; no row is looked at.

        Args:
            plan: The network.
            state: Its weights, in place.
            segments: Penalties and learning rates.
            numbers: Gives each step its numbers.
            hands: Threads.
        """
        self._plan, self._state, self._segments = plan, state, segments
        self._numbers = numbers
        self._large = Steps(plan, state, segments, hands)
        self._small = make_space(plan, state.p.dtype)._replace(gradient=state.g)

    def epoch(self, rows: Rows, order: NDArray[np.int64], size: int, key: Any) -> Metrics:
        """Train one epoch.

        Args:
            rows: All train rows.
            order: Which of them are trained on, and in what order.
            size: Rows of a batch.
            key: Of the masks.

        Returns:
            Loss and RMSE of the batches, each before its step, dropout on.
        """
        batch = Batch(rows, order, np.zeros(0, self._state.p.dtype), key, 0.0)
        take = self._large_steps if size >= LARGE else self._small_steps
        wrong, penalties = take(batch, size)
        return Metrics((wrong + penalties) / len(order), math.sqrt(wrong / len(order)))

    def _large_steps(self, batch: Batch, size: int) -> tuple[float, float]:
        """Sums of squared errors, and of penalties by row."""
        wrong = penalties = 0.0
        for begin in range(0, len(batch.order), size):
            order = batch.order[begin : begin + size]
            part = batch._replace(order=order, weight=2.0 / len(order))
            errors, penalty_before = self._large.take(part, self._numbers.next())
            wrong += errors
            penalties += penalty_before * len(order)
        return wrong, penalties

    def _small_steps(self, batch: Batch, size: int) -> tuple[float, float]:
        """As `_large_steps`, many steps a call."""
        penalties = 0.0
        for begin in range(0, len(batch.order), size * _STEPS):
            part = batch._replace(order=batch.order[begin : begin + size * _STEPS])
            rows = len(part.order)
            steps = np.array([self._numbers.next() for _ in range(-(-rows // size))])
            before = np.zeros(len(steps))
            work = (part, size, self._small)
            take_small_steps(self._plan, self._state, work, self._segments, steps, before)
            sizes = np.minimum(size, rows - size * np.arange(len(steps)))
            penalties += float(before @ sizes)
        wrong = float(self._small.wrong[0])
        self._small.wrong[0] = 0
        return wrong, penalties


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
                Rows(rows.movies[begin:end], rows.users[begin:end], rows.scores[begin:end]),
                first,
                make_space(plan, p.dtype, trains=False),
                scores[begin:end],
            )
            for begin, end in parts_of(count)
        ]
    )
    return scores
