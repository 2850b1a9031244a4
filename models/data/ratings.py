"""`Ratings`, the loaded ratings, and `Check`, a published figure beside the figure found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.data.options import RULES

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Check:
    """A published figure of a data set, and the same figure computed from the loaded ratings.

    Attributes:
        name: What is compared.
        expected: The published value.
        found: The value found in the data.
        holds: Whether the two agree.

    Example:
        >>> Check("train rows", expected=80, found=79, holds=False).holds
        False
    """

    name: str
    expected: Any
    found: Any
    holds: bool


@dataclass(frozen=True, slots=True)
class Ratings:
    """Ratings after the user filter, in the order of the source: one row for each rating.

    Attributes:
        user_codes: Index of each row's user in `user_ids`, `[row]`.
        movie_codes: Index of each row's movie in `movie_ids`, `[row]`.
        scores: The score of each row, `[row]`.
        timestamps: Seconds since 1970 of each row, `[row]`, or None.
        user_ids: Sorted distinct ids, integers or strings, `[user]`.
        movie_ids: Sorted distinct ids, integers or strings, `[movie]`.
        row_index: 0-based row of the source, score-less rows counted, `[row]`.
        source: The source as the user named it.
        content_hash: SHA-256 of the scored rows before the filter, whatever the file format.
        synthetic: Whether the rows were made up by the synthetic source.
        warnings: What the user should know, one line each.
        rows_read: Rows in the source.
        rows_scored: Rows in the source that have a score.
        min_ratings: Least ratings of a kept user, or None.
        max_ratings: Most ratings of a kept user, or None.
        checks: The published figures that only the unfiltered rows can show (`mubi` only).
        rules: By which rules they were read, as `SourceOptions` lists them.
        part: Of which part each row is where they came split already (0 train, 1 validation,
            2 test), `[row]`; else None.

    Example:
        >>> from models.data import load_ratings
        >>> ratings = load_ratings("ratings.csv")
        >>> ratings.movie_ids[ratings.movie_codes][:3].tolist()  # the first three rows
        ['Heat', 'Alien', 'Big']
    """

    user_codes: NDArray[np.int32]
    movie_codes: NDArray[np.int32]
    scores: NDArray[np.float32]
    timestamps: NDArray[np.int64] | None
    user_ids: NDArray[Any]
    movie_ids: NDArray[Any]
    row_index: NDArray[np.int64]
    source: str
    content_hash: str
    synthetic: bool
    warnings: tuple[str, ...]
    rows_read: int
    rows_scored: int
    min_ratings: int | None
    max_ratings: int | None
    checks: tuple[Check, ...]
    rules: int = RULES
    part: NDArray[np.int8] | None = None

    @property
    def n_users(self) -> int:
        """Number of distinct users."""
        return len(self.user_ids)

    @property
    def n_movies(self) -> int:
        """Number of distinct movies."""
        return len(self.movie_ids)

    def __len__(self) -> int:
        return len(self.scores)
