"""Join the tables of several files into one, which keeps the part that each file is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from models.data.table import PARTS, IdColumn, RatingTable


def joined(tables: Mapping[str, RatingTable]) -> RatingTable:
    """Join tables one below the other.

    Ids are whole numbers where all tables have such; else all of them are text. Times are left out
    where a table has none.

    Args:
        tables: By the name of the part that each is, of `PARTS`.

    Returns:
        One table; `row_index` counts each file's rows from 0.

    Example:
        >>> ids = IdColumn(np.array([0, 1], np.int32), np.array([7, 9]))
        >>> scores, rows = np.array([4, 2], np.float32), np.arange(2)
        >>> table = RatingTable(ids, ids, scores, None, rows, 2)
        >>> joined({"train": table, "test": table}).part.tolist()
        [0, 0, 2, 2]
    """
    each = list(tables.values())
    sizes = [len(table.scores) for table in each]
    times = [table.timestamps for table in each if table.timestamps is not None]
    timed = len(times) == len(each)
    warnings = [line for table in each for line in table.warnings]
    if times and not timed:
        warnings.append("Times are left out, since not every file has them.")
    return replace(
        each[0],
        users=_ids([table.users for table in each]),
        movies=_ids([table.movies for table in each]),
        scores=np.concatenate([table.scores for table in each]),
        timestamps=np.concatenate(times) if timed else None,
        row_index=np.concatenate([table.row_index for table in each]),
        rows_read=sum(table.rows_read for table in each),
        warnings=tuple(warnings),
        part=np.repeat([PARTS.index(name) for name in tables], sizes).astype(np.int8),
    )


def _ids(columns: Sequence[IdColumn]) -> IdColumn:
    """Join columns of ids, each id once."""
    if any(column.values.dtype == object for column in columns):
        columns = [_as_text(column) for column in columns]
    values, places = np.unique(
        np.concatenate([column.values for column in columns]), return_inverse=True
    )
    starts = np.cumsum([0, *(len(column.values) for column in columns[:-1])])
    codes = [column.codes + start for column, start in zip(columns, starts, strict=True)]
    return IdColumn(places[np.concatenate(codes)].astype(np.int32), values)


def _as_text(column: IdColumn) -> IdColumn:
    values = np.empty(len(column.values), object)
    values[:] = [str(each) for each in column.values.tolist()]
    return IdColumn(column.codes, values)
