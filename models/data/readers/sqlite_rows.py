"""Read columns of a SQLite table as Arrow arrays."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.data.readers.columns import Columns
from models.data.readers.values import fail_at

_CHUNK_ROWS = 1 << 17
_EXACT = 2.0**53  # whole numbers below it survive the trip through float64


@dataclass(frozen=True, slots=True)
class SqliteTable:
    """A table or view of a SQLite database.

    Attributes:
        quoted: Its name, quoted for SQL.
        types: Declared type by column name.
        row_order: Name of the row number, or None where there is none.
    """

    quoted: str
    types: dict[str, str]
    row_order: str | None


def read_columns(
    database: sqlite3.Connection, table: SqliteTable, names: Columns, *, where: str
) -> dict[str, Any]:
    """Read the columns that hold the ratings.

    Args:
        database: An open database.
        table: The table.
        names: Its columns.
        where: The file, for messages.

    Returns:
        `pyarrow.ChunkedArray` by column name.
    """
    columns = _read_numbers(database, table, names) if _is_numeric(table, names) else None
    return columns if columns is not None else _read_values(database, table, names, where)


def _query(table: SqliteTable, expressions: Sequence[str]) -> str:
    """Write the SQL that selects `expressions` from all rows, in the order of row numbers."""
    order = f" ORDER BY {table.row_order}" if table.row_order else ""
    return f"SELECT {', '.join(expressions)} FROM {table.quoted}{order}"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _is_numeric(table: SqliteTable, names: Columns) -> bool:
    """Whether the columns of ids and scores are declared as numbers.

    SQLite then stores every value as a number that can be read as one.
    """
    ids = all("INT" in table.types[name] for name in (names.user, names.movie))
    score = table.types[names.score]
    numeric = any(part in score for part in ("INT", "REAL", "FLOA", "DOUB", "NUM", "DEC"))
    return ids and numeric


def _read_numbers(
    database: sqlite3.Connection, table: SqliteTable, names: Columns
) -> dict[str, Any] | None:
    """Read numeric columns fast, by way of float64.

    Returns:
        Arrow arrays by name, or None where a value would not survive the trip through float64.
    """
    import pyarrow as pa

    expressions = [_quoted(name) for name in names.names]
    if names.timestamp is not None:
        expressions[-1] = _seconds(database, table, names.timestamp)
    cursor = database.execute(_query(table, expressions))
    chunks: dict[str, list[Any]] = {name: [] for name in names.names}
    while True:
        values = chain.from_iterable(islice(cursor, _CHUNK_ROWS))
        try:
            rows = np.fromiter(values, np.float64).reshape(-1, len(names.names))
        except (ValueError, TypeError):  # text that is no number
            return None
        if not len(rows):
            break
        for name, column in zip(names.names, rows.T, strict=True):
            array = _scores(column) if name == names.score else _whole_numbers(column)
            if array is None:
                return None
            chunks[name].append(array)
    types = dict.fromkeys(names.names, pa.int64()) | {names.score: pa.float64()}
    return {name: pa.chunked_array(arrays, types[name]) for name, arrays in chunks.items()}


def _scores(column: NDArray[np.float64]) -> Any:
    """Make an Arrow array of scores; NaN, which stands for SQL's NULL, becomes null."""
    import pyarrow as pa

    return pa.array(column, pa.float64(), mask=np.isnan(column))


def _whole_numbers(column: NDArray[np.float64]) -> Any:
    """Make an int64 array of ids or times; None if a value is missing, fractional or too large."""
    import pyarrow as pa

    if not (np.abs(column) < _EXACT).all() or (np.floor(column) != column).any():
        return None
    return pa.array(column.astype(np.int64))


def _seconds(database: sqlite3.Connection, table: SqliteTable, name: str) -> str:
    """Write the SQL expression that reads the time column as a number.

    Where the first time is text, SQLite's date functions convert ISO text to seconds since 1970.
    """
    column = _quoted(name)
    first = database.execute(f"SELECT {column} FROM {table.quoted} LIMIT 1").fetchone()
    if first is None or not isinstance(first[0], str):
        return column
    seconds = f"unixepoch({column})"
    if sqlite3.sqlite_version_info < (3, 38):
        seconds = f"CAST(strftime('%s', {column}) AS INTEGER)"
    # Digits alone would be read as a Julian day, and "now" as now.
    return f"CASE WHEN substr({column}, 5, 1) = '-' THEN {seconds} END"


def _read_values(
    database: sqlite3.Connection, table: SqliteTable, names: Columns, where: str
) -> dict[str, Any]:
    """Read columns of any type, each value with the type in which SQLite stores it."""
    cursor = database.execute(_query(table, [_quoted(name) for name in names.names]))
    chunks: dict[str, list[Any]] = {name: [] for name in names.names}
    start = 0
    while rows := cursor.fetchmany(_CHUNK_ROWS):
        for name, values in zip(names.names, zip(*rows, strict=True), strict=True):
            whole = name != names.score
            chunks[name].append(_array(values, name, where, start=start, whole=whole))
        start += len(rows)
    return {name: _joined(arrays) for name, arrays in chunks.items()}


def _array(values: tuple[Any, ...], name: str, where: str, *, start: int, whole: bool) -> Any:
    """Make an Arrow array: of numbers where all values are numbers, else of text."""
    import pyarrow as pa

    try:
        return pa.array(values, pa.int64() if whole else pa.float64())
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):
        pass
    for row, value in enumerate(values):
        if isinstance(value, bytes):
            rule = "must hold numbers or text"
            raise fail_at(where, start + row, name, rule, f"{len(value)} bytes")
    return pa.array([_as_text(value) for value in values], pa.string())


def _as_text(value: Any) -> str | None:
    """Write a value as text: 7.0 as "7"."""
    if value is None or isinstance(value, str):
        return value
    whole = isinstance(value, float) and value.is_integer() and abs(value) < _EXACT
    return str(int(value)) if whole else str(value)


def _joined(chunks: list[Any]) -> Any:
    """Join the arrays of one column; if one of them is text, the result is text."""
    import pyarrow as pa

    if not chunks:
        return pa.chunked_array([], pa.int64())
    types = {chunk.type for chunk in chunks}
    if len(types) > 1:  # text came up in some chunks only
        chunks = [chunk.cast(pa.string()) for chunk in chunks]
    return pa.chunked_array(chunks)
