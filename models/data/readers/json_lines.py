"""Read ratings from JSON: an object a line, or a list of objects."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

from models.data.options import SourceOptions
from models.data.readers.arrow_columns import rating_table
from models.data.readers.columns import Columns, resolve_columns
from models.data.readers.values import check_utf8
from models.data.table import RatingTable
from models.errors import ModelsError

_BLOCK_BYTES = 1 << 24
_HEAD_ROWS = 1000


def read_json(path: Path, options: SourceOptions, *, where: str, gaps: bool = False) -> RatingTable:
    """Read the ratings of a JSON file.

    Args:
        path: The file.
        options: May name columns.
        where: The file, for messages.
        gaps: Whether rows may lack a score or a time.

    Returns:
        The scored rows.

    Raises:
        ModelsError: The file or a value in it breaks a rule.
    """
    check_utf8(path, where)
    head = list(islice(_rows(path, where), _HEAD_ROWS))
    if not head:
        raise ModelsError(f"{where} must have rows, but has none.")
    if set(head[0]) == {"columns", "index", "data"}:
        raise ModelsError(f"{where} must hold one JSON object a row, but is split. {_PANDAS}")
    names = _names(head, options, where)
    columns = _fast(path, names, head)
    if columns is None:
        columns = _slow(path, names, where)
    return rating_table(columns, names, options, where=where, gaps=gaps)


def _names(head: list[dict[str, Any]], options: SourceOptions, where: str) -> Columns:
    """Find the columns in the first object, else in the first thousand, where it lacks one.

    Times count where the first object with a score has one.
    """
    try:
        return resolve_columns(list(head[0]), options, where=where)
    except ModelsError:
        keys = list(dict.fromkeys(key for row in head for key in row))
        names = resolve_columns(keys, options, where=where)
    scored = next((row for row in head if row.get(names.score) is not None), {})
    timeless = names.timestamp not in scored and options.timestamp_column is None
    return replace(names, timestamp=None) if timeless else names


def _rows(path: Path, where: str) -> Iterator[dict[str, Any]]:
    """Yield the objects of a file one by one.

    Raises:
        ModelsError: A line is no object, or the file is one object over several lines.
    """
    with path.open(encoding="utf-8-sig") as file:
        start = file.read(1)
        while start.isspace():
            start = file.read(1)
        if start == "[":
            file.seek(0)
            yield from _listed(file.read(), where)
            return
        file.seek(0)
        for number, line in enumerate(file, 1):
            if line.strip():
                yield _object(line, number, where)


def _listed(text: str, where: str) -> list[dict[str, Any]]:
    """Read a list of objects."""
    text = text.removeprefix("\ufeff")
    try:
        rows = json.loads(text)
    except ValueError as error:
        _refuse_lists(text, where)
        raise ModelsError(f"{where} must be JSON, but is not: {error}.") from None
    for number, row in enumerate(rows, 1):
        if not isinstance(row, dict):
            raise ModelsError(
                f"{where} must hold objects such as {_EXAMPLE}, but item {number} is "
                f"{str(row)[:60]!r}."
            )
    return list(rows)


def _refuse_lists(text: str, where: str) -> None:
    """Refuse a list a line, told as such; return where the first line is no whole list."""
    first = text.strip().partition("\n")[0]
    try:
        json.loads(first)
    except ValueError:
        return
    _object(first, 1, where)


_PANDAS = "pandas writes a row a line with orient='records', lines=True."
_EXAMPLE = '{"user": 1, "movie": 2, "rating": 3}'


def _object(line: str, number: int, where: str) -> dict[str, Any]:
    """Read one line as an object."""
    try:
        row = json.loads(line)
    except ValueError:
        row = None
    if not isinstance(row, dict):
        raise ModelsError(
            f"{where} must hold one JSON object a line, such as {_EXAMPLE}, but line {number} is "
            f"{line.strip()[:60]!r}. {_PANDAS}"
        )
    return row


def _fast(path: Path, names: Columns, head: list[dict[str, Any]]) -> dict[str, Any] | None:
    """Read the columns with Arrow, which needs one type a column; None where there are several."""
    import pyarrow as pa
    import pyarrow.json as arrow

    first = {name: row[name] for row in reversed(head) for name in names.names if name in row}
    kinds = {int: pa.int64(), float: pa.float64(), str: pa.string(), bool: pa.bool_()}
    types = {name: kinds.get(type(first.get(name))) for name in names.names}
    if types[names.score] == pa.int64():  # the next one may have a fraction
        types[names.score] = pa.float64()
    if None in types.values():
        return None
    try:
        table = arrow.read_json(
            path,
            read_options=arrow.ReadOptions(block_size=_BLOCK_BYTES),
            parse_options=arrow.ParseOptions(
                explicit_schema=pa.schema(types), unexpected_field_behavior="ignore"
            ),
        )
    except (pa.ArrowException, OSError):
        return None
    return {name: table.column(name) for name in names.names}


def _slow(path: Path, names: Columns, where: str) -> dict[str, Any]:
    """Read the columns row by row: values of several types become text."""
    values: dict[str, list[Any]] = {name: [] for name in names.names}
    for number, row in enumerate(_rows(path, where), 1):
        for name, column in values.items():
            value = row.get(name)
            if isinstance(value, dict | list):
                raise ModelsError(
                    f"{where}: column {name!r} must hold one value a row, but got "
                    f"{str(value)[:60]!r} in row {number}. {_PANDAS}"
                )
            column.append(value)
    return {name: _array(column) for name, column in values.items()}


def _array(values: list[Any]) -> Any:
    """Make an Arrow column: of the values' own type where they have one, else of text."""
    import pyarrow as pa

    kinds = {type(value) for value in values if value is not None}
    if len(kinds) > 1:
        values = [None if value is None else str(value) for value in values]
    try:
        return pa.chunked_array([pa.array(values)])
    except (pa.ArrowException, OverflowError):  # a whole number beyond 64 bits
        texts = [None if value is None else str(value) for value in values]
        return pa.chunked_array([pa.array(texts)])
