"""The rows that a source gives, before users are filtered and ids get their codes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

PARTS = ("train", "valid", "test")
"""The parts of ratings that come split already, in the order of their rows."""


@dataclass(frozen=True, slots=True)
class IdColumn:
    """A column of ids, dictionary-encoded in any order.

    Attributes:
        codes: Index of each row's id in `values`, `[row]`.
        values: Distinct ids, int64 or objects of str, `[id]`; some may be unused.
    """

    codes: NDArray[np.int32]
    values: NDArray[Any]

    def only(self, rows: NDArray[np.bool_] | None) -> IdColumn:
        """Take the rows where `rows`, `[row]`, is true; None takes all rows."""
        return self if rows is None else IdColumn(self.codes[rows], self.values)


@dataclass(frozen=True, slots=True)
class RatingTable:
    """The scored rows of a source, in its order.

    Attributes:
        users: The users' ids.
        movies: The movies' ids.
        scores: Finite scores, `[row]`.
        timestamps: Seconds since 1970, `[row]`, or None.
        row_index: 0-based row of the source, rows without a score counted, `[row]`.
        rows_read: Rows in the source, those without a score too.
        warnings: What the user should know, one line each.
        part: Of which part each row is, as an index in `PARTS`, `[row]`, where the ratings came
            split already; else None.
    """

    users: IdColumn
    movies: IdColumn
    scores: NDArray[np.float32]
    timestamps: NDArray[np.int64] | None
    row_index: NDArray[np.int64]
    rows_read: int
    warnings: tuple[str, ...] = ()
    part: NDArray[np.int8] | None = None

    def only(self, rows: NDArray[np.bool_], warnings: tuple[str, ...]) -> RatingTable:
        """Take the rows of the table where `rows`, `[row]`, is true.

        Args:
            rows: Which rows to take.
            warnings: What the user should know of the new table.
        """
        return replace(
            self,
            users=self.users.only(rows),
            movies=self.movies.only(rows),
            scores=self.scores[rows],
            timestamps=None if self.timestamps is None else self.timestamps[rows],
            row_index=self.row_index[rows],
            part=None if self.part is None else self.part[rows],
            warnings=warnings,
        )
