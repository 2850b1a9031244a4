"""What a reader hands over: columns as read, before filter and encoding."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class IdColumn:
    """A column of ids, dictionary-encoded in any order.

    Attributes:
        codes: Index of each row's id in `values`, `[row]`.
        values: Distinct ids, int64 or objects of str, `[id]`; some may be unused.
    """

    codes: NDArray[np.int32]
    values: NDArray[Any]


@dataclass(frozen=True, slots=True)
class RatingTable:
    """The scored rows of a source, in its order.

    Attributes:
        users: The users' ids.
        movies: The movies' ids.
        scores: Finite scores, `[row]`.
        timestamps: Seconds since 1970, `[row]`, or None.
        row_index: 0-based row of the source, `[row]`.
        rows_read: Rows in the source, score-less ones too.
        warnings: What the user should know, one line each.
    """

    users: IdColumn
    movies: IdColumn
    scores: NDArray[np.float32]
    timestamps: NDArray[np.int64] | None
    row_index: NDArray[np.int64]
    rows_read: int
    warnings: tuple[str, ...] = ()
