"""Check the Arrow columns that any reader gives, and convert them to scored rows."""

from __future__ import annotations

from typing import Any

import numpy as np

from models.data.options import SourceOptions
from models.data.readers.columns import Columns
from models.data.readers.ids import id_column
from models.data.readers.scores import score_column
from models.data.readers.times import seconds_column
from models.data.table import RatingTable
from models.errors import ModelsError


def check_flat(schema: Any, names: Columns, where: str) -> None:
    """Refuse a column of ratings that holds lists or structures.

    Args:
        schema: Arrow's schema of the table.
        names: Which column is what.
        where: The file, for messages.

    Raises:
        ModelsError: A column holds more than one value a row.
    """
    import pyarrow as pa

    for name in names.names:
        kind = schema.field(name).type
        if pa.types.is_nested(kind):
            raise ModelsError(
                f"{where}: column {name!r} must hold one value a row, but holds {kind}."
            )


def rating_table(
    columns: dict[str, Any], names: Columns, options: SourceOptions, *, where: str, gaps: bool
) -> RatingTable:
    """Check and convert the columns; leave out rows without a score, where they are allowed.

    Args:
        columns: `pyarrow.ChunkedArray` by column name; emptied on the way, to free memory.
        names: Which column is what.
        options: May say by which rules ids are read, and that rows without a score are skipped.
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
    skips = options.skip_rows_without_score
    scores, has_score, note = score_column(
        columns.pop(names.score), names.score, where, gaps=gaps or skips
    )
    warnings = [f"{where}: column {names.score!r}: {note}."] if note else []
    times = None
    if names.timestamp is not None:
        column = columns.pop(names.timestamp)
        times = seconds_column(column, names.timestamp, where, has_score=has_score, gaps=gaps)
        if times is None:
            warnings.append(f"{where}: times are left out, since some rows have none.")
    rules = options.rules_in_force
    users = id_column(columns.pop(names.user), names.user, where, rules)
    movies = id_column(columns.pop(names.movie), names.movie, where, rules)
    index = np.arange(rows_read, dtype=np.int64)
    table = RatingTable(users, movies, scores, times, index, rows_read, tuple(warnings))
    if has_score is None:
        return table
    if not has_score.any():
        raise ModelsError(f"{where}: column {names.score!r} must have scores, but has none.")
    if skips and not gaps:
        warnings.append(
            f"{where}: {int((~has_score).sum()):,} of {rows_read:,} rows have no score and were "
            "left out."
        )
    return table.only(has_score, tuple(warnings))
