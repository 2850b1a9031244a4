"""What an epoch of a configuration costs, before it is trained: seconds of the compiled trainer."""

from __future__ import annotations

from collections.abc import Mapping

from search.cost.latest import Latest
from search.cost.work import LARGE, Size, Work
from tracking import Scalar

_SHARES = 4  # of a large batch: more threads have nothing to do

TRAIN_NS: Mapping[str, float] = {
    "step": 48,
    "kernel weight": 1.7,
    "shared product": 0.42,
    "table weight": 0.33,
    "far table weight": 2.2,
    "passed line": 28,
    "passed row": 4.3,
    "late line": 12,
    "met id": 4.2,
    "met line": 9.3,
    "shared id": 19,
    "shared line": 150,
    "row": 56,
    "far row": 0.66,
    "distant line": 12,
    "product": 0.075,
    "smooth unit": 0.84,
    "unit": 1.3,
    "masked unit": 0.017,
    "factor": 1.2,
    "vector": 0.036,
    "shared unit": 0.3,
    "pulled row": 0.44,
    "pulled weight": 0.037,
}
VALID_NS: Mapping[str, float] = {
    "row": 14,
    "far row": 0.22,
    "distant line": 2.4,
    "product": 0.016,
    "smooth unit": 0.53,
    "unit": 0.91,
    "factor": 0.5,
    "shared product": 0.12,
    "first product": 0.1,
}
"""Nanoseconds of each unit of work on one thread: least squares over 280 configurations drawn from
the default space, on seven sizes of made-up ratings, on an Intel Xeon (`benchmarks/cost_model.py`).
A study corrects them by what its own trials take."""


class EpochCost:
    """Estimates the seconds of an epoch, its validation included, and learns from those that ended.

    The first estimate is of the machine on which the units of work were timed. Every trial that
    ends says how much slower or faster this one is: the median of the latest 25 corrects all.

    Threads: several workers may use it at once.

    Example:
        >>> size = Size(train_rows=56_001, valid_rows=14_001, user_rows=672, movie_rows=9_067)
        >>> cost = EpochCost(size)
        >>> gmf = {"family": "gmf", "factors": 32, "batch_size": "256", "optimizer": "lazy_adam"}
        >>> before = cost.seconds(gmf)
        >>> cost.learn(gmf, 3 * before)  # a slower machine
        >>> round(cost.seconds(gmf) / before, 6)
        3.0
    """

    def __init__(self, size: Size) -> None:
        """Begin without any trial.

        Args:
            size: Of the study.
        """
        self._size = size
        self._ratios = Latest()

    def learn(self, values: Mapping[str, Scalar], seconds: float) -> None:
        """Take what an epoch over all rows took.

        Args:
            values: The trial's configuration: all active parameters' values, by name.
            seconds: Of one epoch.
        """
        self._ratios.add(seconds / self._seconds(values, 1.0))

    def seconds(self, values: Mapping[str, Scalar], share: float = 1.0) -> float:
        """Estimate the seconds of an epoch.

        Args:
            values: The configuration: all active parameters' values, by name.
            share: Share of the train rows that the epoch passes over.
        """
        return self.factor * self._seconds(values, share)

    @property
    def factor(self) -> float:
        """By how much the trials so far took longer than estimated at first."""
        learnt = self._ratios.median()
        return 1.0 if learnt is None else learnt

    def _seconds(self, values: Mapping[str, Scalar], share: float) -> float:
        work = Work.of(values, self._size, max(1, round(share * self._size.train_rows)))
        train = sum(TRAIN_NS[name] * amount for name, amount in work.train().items())
        valid = sum(VALID_NS[name] * amount for name, amount in work.valid().items())
        side = min(self._size.threads, _SHARES)
        return 1e-9 * (train / (side if work.batch >= LARGE else 1) + valid / side)
