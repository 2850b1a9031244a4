"""From the Arrow table of any reader to the scored rows."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.data.readers.columns import Columns
from models.data.readers.times import seconds_column
from models.data.readers.values import id_column, score_column
from models.data.table import IdColumn, RatingTable
from models.errors import ModelsError


def rating_table(columns: dict[str, Any], names: Columns, *, where: str, gaps: bool) -> RatingTable:
    """Check and convert the columns; rows without a score go, where that is allowed.

    Args:
        columns: `pyarrow.ChunkedArray` by column name; emptied on the way, to free memory.
        names: Which column is what.
        where: The file or table, for messages.
        gaps: Whether rows may lack a score or a time (MUBI's reviews do).

    Returns:
        The scored rows.

    Raises:
        ModelsError: There are no rows, or a value breaks its rule.
    """
    rows_read = len(columns[names.score])
    if not rows_read:
        raise ModelsError(f"{where} must have rows, but has none below its column names.")
    scores, has_score = score_column(columns.pop(names.score), names.score, where, gaps=gaps)
    times = None
    warnings: tuple[str, ...] = ()
    if names.timestamp is not None:
        times = seconds_column(
            columns.pop(names.timestamp), names.timestamp, where, has_score=has_score, gaps=gaps
        )
        if times is None:
            warnings = (f"{where}: times are left out, since some rows have none.",)
    users = id_column(columns.pop(names.user), names.user, where)
    movies = id_column(columns.pop(names.movie), names.movie, where)
    if has_score is None:
        index = np.arange(rows_read, dtype=np.int64)
        return RatingTable(users, movies, scores, times, index, rows_read, warnings)
    if not has_score.any():
        raise ModelsError(f"{where}: column {names.score!r} must have scores, but has none.")
    return RatingTable(
        _only(users, has_score),
        _only(movies, has_score),
        scores[has_score],
        None if times is None else times[has_score],
        np.flatnonzero(has_score),
        rows_read,
        warnings,
    )


def _only(column: IdColumn, rows: NDArray[np.bool_]) -> IdColumn:
    return IdColumn(column.codes[rows], column.values)
