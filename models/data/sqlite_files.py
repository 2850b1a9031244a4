"""Ratings from SQLite files, read in chunks by rowid order."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from models.data.columns import Columns, resolve_columns
from models.data.conversion import rating_table
from models.data.options import SourceOptions
from models.data.table import RatingTable
from models.errors import ModelsError

_CHUNK_ROWS = 1 << 18
_PREFERRED = "ratings"


def read_sqlite(
    path: Path, options: SourceOptions, *, where: str, gaps: bool = False
) -> RatingTable:
    """Read one table of a SQLite file; nothing is written beside it.

    Args:
        path: The file.
        options: May name the table and its columns.
        where: The file, for messages.
        gaps: Whether rows may lack a score or a time.

    Returns:
        The scored rows, in the table's order.

    Raises:
        ModelsError: The file, the table or a value in it breaks a rule.
    """
    try:
        connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro&immutable=1", uri=True)
    except sqlite3.Error as error:
        raise ModelsError(f"{where} must be a whole SQLite file, but: {error}.") from None
    try:
        table, names = _choose(connection, options, where)
        columns = _columns(connection, table, names)
    except sqlite3.Error as error:
        raise ModelsError(f"{where} must be a whole SQLite file, but: {error}.") from None
    finally:
        connection.close()
    return rating_table(columns, names, where=where, gaps=gaps)


def _choose(
    connection: sqlite3.Connection, options: SourceOptions, where: str
) -> tuple[str, Columns]:
    found = connection.execute(
        "SELECT name FROM sqlite_master WHERE type IN ('table', 'view') "
        "AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name"
    )
    tables = [str(row[0]) for row in found]
    if options.table is not None:
        if options.table not in tables:
            known = ", ".join(tables) or "none"
            raise ModelsError(f"{where} must have the table {options.table!r}. Known: {known}.")
        return options.table, resolve_columns(
            _names(connection, options.table), options, where=where
        )
    fitting: dict[str, Columns] = {}
    reasons = []
    for table in tables:
        try:
            fitting[table] = resolve_columns(_names(connection, table), options, where=where)
        except ModelsError as error:
            reasons.append(str(error))
    if _PREFERRED in fitting:
        return _PREFERRED, fitting[_PREFERRED]
    if len(fitting) == 1:
        return next(iter(fitting.items()))
    if len(tables) == 1:
        raise ModelsError(reasons[0])
    raise ModelsError(
        f"{where} must have one table of ratings, but {len(fitting)} of its {len(tables)} tables "
        f"fit ({', '.join(fitting or tables) or 'none'}). Name it with `--table`."
    )


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _names(connection: sqlite3.Connection, table: str) -> Sequence[str]:
    return [row[1] for row in connection.execute(f"PRAGMA table_info({_quoted(table)})")]


def _columns(connection: sqlite3.Connection, table: str, names: Columns) -> dict[str, Any]:
    import pyarrow as pa

    wanted = ", ".join(_quoted(name) for name in names.names)
    cursor = connection.execute(f"SELECT {wanted} FROM {_quoted(table)}")
    chunks: list[list[Any]] = [[] for _ in names.names]
    while rows := cursor.fetchmany(_CHUNK_ROWS):
        for column, values in zip(chunks, zip(*rows, strict=True), strict=True):
            column.append(_array(values))
    return {
        name: _joined(column) if column else pa.chunked_array([], pa.int64())
        for name, column in zip(names.names, chunks, strict=True)
    }


def _array(values: tuple[Any, ...]) -> Any:
    """An Arrow array; a mixture of types becomes text, for the checks to name what is amiss."""
    import pyarrow as pa

    try:
        return pa.array(values)
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):
        return pa.array([None if v is None else _text(v) for v in values])


def _text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _joined(arrays: list[Any]) -> Any:
    import pyarrow as pa

    types = {array.type for array in arrays} - {pa.null()}
    if len(types) > 1:
        numeric = all(pa.types.is_integer(t) or pa.types.is_floating(t) for t in types)
        types = {pa.float64() if numeric else pa.string()}
    kind = types.pop() if types else pa.float64()
    return pa.chunked_array([array.cast(kind) for array in arrays])
