"""Find scores that stand apart from all others: marks for "no rating", and slips."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_SENTINELS = (-1, 99, -99, 999, -999, 9999, -9999)
_MANY_ZEROS = 0.1
_FEW = 0.05
_FEWEST_VALUES = 3
_MOST_LISTED = 5


@dataclass(frozen=True, slots=True)
class ScoreCounts:
    """The distinct scores, and how many rows have each.

    Attributes:
        values: Distinct scores, lowest first, `[score]`.
        counts: Rows of each, `[score]`.
    """

    values: NDArray[np.float32]
    counts: NDArray[np.int64]

    @classmethod
    def of(cls, scores: NDArray[np.float32]) -> ScoreCounts:
        """Count scores, `[row]`, at least one of them."""
        import pyarrow as pa
        import pyarrow.compute as pc

        # By hashing, where np.unique sorts all rows; -0.0 becomes 0.0.
        counted = pc.value_counts(pa.array(scores + np.float32(0)))
        values, counts = (counted.field(number).to_numpy() for number in range(2))
        order = np.argsort(values)
        return cls(values[order], counts[order])

    @property
    def rows(self) -> int:
        """The number of rows."""
        return int(self.counts.sum())

    def quantile(self, share: float) -> float:
        """The least score that at least this share of the rows does not exceed."""
        reached = np.cumsum(self.counts) >= share * self.rows
        return float(self.values[int(reached.argmax())])


@dataclass(frozen=True, kw_only=True, slots=True)
class Mark:
    """Scores that stand apart.

    Attributes:
        values: The scores, each once.
        rows: How many rows have one of them.
        low: Least of the other scores.
        high: Greatest of the other scores.
        guess: What they may be, in words.
    """

    values: tuple[float, ...]
    rows: int
    low: float
    high: float
    guess: str

    @property
    def words(self) -> str:
        """The scores in words: "99", or "from 50 to 70" where there are several."""
        if len(self.values) == 1:
            return f"{self.values[0]:g}"
        return f"from {self.values[0]:g} to {self.values[-1]:g}"

    @property
    def listed(self) -> str:
        """The scores as `--drop-scores` takes them: "50,70"; the first five of many."""
        more = ",…" if len(self.values) > _MOST_LISTED else ""
        return ",".join(f"{value:g}" for value in self.values[:_MOST_LISTED]) + more


def marks_of(scores: ScoreCounts) -> list[Mark]:
    """Find the scores that stand apart: zeros, known sentinels such as 99, and outliers.

    Zeros count where they are the least score and far more than the next one; a sentinel where it
    is the only score beyond all others; outliers where few rows lie further from all others than
    these are apart.

    Args:
        scores: The scores.

    Returns:
        At most one of each kind and end.

    Example:
        >>> scores = ScoreCounts.of(np.array([1, 2, 3, 4, 5, 99, 99], np.float32))
        >>> [mark] = marks_of(scores)
        >>> mark.words, mark.rows, mark.low, mark.high
        ('99', 2, 1.0, 5.0)
    """
    values, counts = scores.values, scores.counts
    found = []
    while len(values) >= _FEWEST_VALUES:
        mark, kept = _sentinel(values, counts) or _outliers(values, counts) or (None, None)
        if mark is None or kept is None:
            break
        found.append(mark)
        values, counts = values[kept], counts[kept]
    zeros = _zeros(values, counts)
    return [*found, zeros] if zeros else found


_Found = tuple[Mark, NDArray[np.bool_]]


def _sentinel(values: NDArray[np.float32], counts: NDArray[np.int64]) -> _Found | None:
    """Find a known sentinel that lies alone beyond all other scores, however many rows have it."""
    for place in (0, len(values) - 1):
        rest = np.delete(values, place)
        value, low, high = float(values[place]), float(rest[0]), float(rest[-1])
        gap = max(low - value, value - high)
        alone = gap > (high - low) or (value == -1 and low >= 0 and high > 1)
        if value in _SENTINELS and alone:
            kept = values != values[place]
            return _mark(values, counts, ~kept, "does it mean that there is no rating?"), kept
    return None


def _outliers(values: NDArray[np.float32], counts: NDArray[np.int64]) -> _Found | None:
    """Find few rows that lie further from all others than these are apart."""
    gaps = np.diff(values)
    cut = int(gaps.argmax()) + 1
    for kept in (np.arange(len(values)) < cut, np.arange(len(values)) >= cut):
        rest = values[kept]
        few = counts[~kept].sum() <= _FEW * counts.sum()
        if few and len(rest) >= _FEWEST_VALUES and gaps[cut - 1] > rest[-1] - rest[0]:
            return _mark(values, counts, ~kept, "are these slips?"), kept
    return None


def _zeros(values: NDArray[np.float32], counts: NDArray[np.int64]) -> Mark | None:
    """Find zeros that are far more than a scale's least score would be."""
    if len(values) <= _FEWEST_VALUES or values[0] != 0 or values[1] < 0.5:
        return None
    if counts[0] < _MANY_ZEROS * counts.sum() or counts[0] < 3 * counts[1]:
        return None
    return _mark(values, counts, values == 0, "does 0 mean that there is no rating?")


def _mark(
    values: NDArray[np.float32],
    counts: NDArray[np.int64],
    apart: NDArray[np.bool_],
    guess: str,
) -> Mark:
    rest = values[~apart]
    return Mark(
        values=tuple(float(value) for value in values[apart]),
        rows=int(counts[apart].sum()),
        low=float(rest[0]),
        high=float(rest[-1]),
        guess=guess,
    )
