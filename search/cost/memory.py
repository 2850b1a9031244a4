"""What memory a trial needs, before it is trained: the peak of the compiled trainer's process."""

from __future__ import annotations

from collections.abc import Mapping

from search.cost.latest import Latest
from search.cost.work import Size, Work
from tracking import Scalar

_MB = 1e6


class MemoryCost:
    """Estimates a trial's peak memory, and learns from those that ended.

    What a trial holds for its weights is known (`Work.held_bytes`). What its process holds besides,
    libraries and ratings, is alike for all trials of a study: the median of the latest 25.

    Threads: several workers may use it at once.

    Example:
        >>> cost = MemoryCost(
        ...     Size(train_rows=56_001, valid_rows=14_001, user_rows=672, movie_rows=9_067)
        ... )
        >>> small = {"family": "gmf", "factors": 8, "batch_size": "256"}
        >>> cost.peak_mb(small) is None
        True
        >>> cost.learn(small, 500.0)
        >>> round(cost.peak_mb(small | {"factors": 64}) - 500)  # 56 x 9,739 weights, 24 bytes each
        13
    """

    def __init__(self, size: Size) -> None:
        """Begin without any trial.

        Args:
            size: Of the study.
        """
        self._size = size
        self._besides = Latest()

    def learn(self, values: Mapping[str, Scalar], peak_mb: float) -> None:
        """Take what a trial needed.

        Args:
            values: Its configuration: all active parameters' values, by name.
            peak_mb: Peak memory of its process in MB.
        """
        self._besides.add(peak_mb - self._held_mb(values))

    def peak_mb(self, values: Mapping[str, Scalar]) -> float | None:
        """Estimate the peak memory of a trial's process in MB; None before a trial has ended.

        Args:
            values: The configuration: all active parameters' values, by name.
        """
        besides = self._besides.median()
        return None if besides is None else besides + self._held_mb(values)

    def _held_mb(self, values: Mapping[str, Scalar]) -> float:
        return Work.of(values, self._size, self._size.train_rows).held_bytes / _MB
