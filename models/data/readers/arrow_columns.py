"""Check the Arrow columns that any reader gives, and convert them to scored rows."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.data.options import SourceOptions
from models.data.readers.columns import Columns
from models.data.readers.ids import id_column
from models.data.readers.scores import score_column
from models.data.readers.times import seconds_column
from models.data.table import RatingTable
from models.errors import ModelsError


def rating_table(
    columns: dict[str, Any], names: Columns, options: SourceOptions, *, where: str, gaps: bool
) -> RatingTable:
    """Check and convert the columns; leave out rows without a score, where they are allowed.

    Args:
        columns: `pyarrow.ChunkedArray` by column name; emptied on the way, to free memory.
        names: Which column is what.
        options: May say by which rules ids are read.
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
        column = columns.pop(names.timestamp)
        times = seconds_column(column, names.timestamp, where, has_score=has_score, gaps=gaps)
        warnings = () if times is not None else (_times_left_out(where),)
    rules = options.rules_in_force
    users = id_column(columns.pop(names.user), names.user, where, rules)
    movies = id_column(columns.pop(names.movie), names.movie, where, rules)
    index = np.arange(rows_read, dtype=np.int64)
    table = RatingTable(users, movies, scores, times, index, rows_read, warnings)
    if has_score is None:
        return table
    if not has_score.any():
        raise ModelsError(f"{where}: column {names.score!r} must have scores, but has none.")
    return _only(table, has_score)


def _times_left_out(where: str) -> str:
    return f"{where}: times are left out, since some rows have none."


def _only(table: RatingTable, rows: NDArray[np.bool_]) -> RatingTable:
    """Take the rows of a table where `rows`, `[row]`, is true."""
    times = table.timestamps
    return replace(
        table,
        users=table.users.only(rows),
        movies=table.movies.only(rows),
        scores=table.scores[rows],
        timestamps=None if times is None else times[rows],
        row_index=table.row_index[rows],
    )
