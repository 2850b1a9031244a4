"""What an epoch of a configuration costs, before it is trained: seconds of the compiled trainer."""

from __future__ import annotations

from collections.abc import Mapping

from search.cost.latest import Latest
from search.cost.work import LARGE, Size, Work
from tracking import Scalar

_SHARES = 4  # of a large batch: more threads have nothing to do

TRAIN_NS: Mapping[str, float] = {
    "step": 93,
    "kernel weight": 0.45,
    "shared product": 0.3,
    "table weight": 0.5,
    "far table weight": 3.1,
    "passed line": 27,
    "passed row": 4.9,
    "late line": 14,
    "met id": 24,
    "met line": 9.1,
    "shared id": 21,
    "shared line": 157,
    "row": 33,
    "far row": 34,
    "distant line": 15,
    "product": 0.14,
    "smooth unit": 1.1,
    "unit": 1.5,
    "masked unit": 0.074,
    "factor": 2.7,
    "vector": 2.4,
    "shared unit": 3.9,
    "pulled row": 1.1,
    "pulled weight": 0.2,
}
VALID_NS: Mapping[str, float] = {
    "row": 11,
    "far row": 2,
    "distant line": 3,
    "product": 0.029,
    "smooth unit": 0.64,
    "unit": 1.2,
    "factor": 0.63,
    "shared product": 0.15,
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
