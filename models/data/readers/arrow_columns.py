"""Check the Arrow columns that any reader gives, and convert them to scored rows."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from textwrap import shorten
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


def table_of_file(
    kind: str,
    read: Callable[[Path, SourceOptions, str], tuple[Columns, dict[str, Any]]],
    path: Path,
    options: SourceOptions,
    *,
    where: str,
    gaps: bool,
) -> RatingTable:
    """Read a file of a format that Arrow itself reads; a broken file is told in one line.

    Args:
        kind: Name of the format, for the message.
        read: Reads the columns that hold the ratings from `path`, as `rating_table` takes them.
        path: The file.
        options: May name columns.
        where: The file, for messages.
        gaps: Whether rows may lack a score or a time.

    Raises:
        ModelsError: The file or a value in it breaks a rule.
    """
    import pyarrow as pa

    try:
        names, columns = read(path, options, where)
    except (pa.ArrowException, OSError) as error:
        reason = shorten(str(error), 160, placeholder=" …")
        raise ModelsError(f"{where} must be a whole {kind} file, but: {reason}") from None
    return rating_table(columns, names, options, where=where, gaps=gaps)


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
    users, movies = (
        id_column(_filled(columns.pop(name), has_score), name, where, options.rules_in_force)
        for name in (names.user, names.movie)
    )
    index = np.arange(rows_read, dtype=np.int64)
    table = RatingTable(users, movies, scores, times, index, rows_read, tuple(warnings))
    return table if has_score is None else _scored(table, has_score, where, told=skips and not gaps)


def _scored(
    table: RatingTable, has_score: NDArray[np.bool_], where: str, *, told: bool
) -> RatingTable:
    """Leave out the rows without a score, and say how many they are where `told`."""
    if not has_score.any():
        raise ModelsError(f"{where} must have scores, but no row has one.")
    left_out = f"{int((~has_score).sum()):,} of {table.rows_read:,} rows have no score"
    line = f"{where}: {left_out} and were left out."
    return table.only(has_score, (*table.warnings, line) if told else table.warnings)


def _filled(column: Any, has_score: NDArray[np.bool_] | None) -> Any:
    """Give rows without a score, which may lack an id too, some id: they are left out anyway."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if has_score is None or not column.null_count or column.null_count == len(column):
        return column
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    filler = column.drop_null()[0]
    return pc.if_else(pc.and_(column.is_null(), pa.array(~has_score)), filler, column)
