"""Say where in a file an invalid value stands."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from models.errors import ModelsError


def fail_at(
    where: str, row: int, column: str, rule: str, value: Any = None, *, way: str = ""
) -> ModelsError:
    """Make the error for an invalid value; the error names the file, the column and the row.

    Args:
        where: The file or table.
        row: 0-based row; the message counts from 1.
        column: Name of the column.
        rule: What must hold.
        value: The value received; None for a missing one.
        way: The way out, a sentence.

    Returns:
        The error, to be raised.
    """
    got = "there is none" if value is None else f"got {str(value)[:60]!r}"
    line = f"{where}: column {column!r} {rule}, but {got} in row {row + 1}."
    return ModelsError(f"{line} {way}".rstrip())


def first_uncastable(column: Any, kind: Any) -> tuple[int, str]:
    """Find the first row whose text cannot be converted to an Arrow type, by bisection.

    Args:
        column: `pyarrow.ChunkedArray` of text; at least one value cannot be converted.
        kind: The Arrow type.

    Returns:
        0-based row and its text.
    """
    import pyarrow as pa

    low, high = 0, len(column)
    while high - low > 1:
        middle = (low + high) // 2
        try:
            column.slice(low, middle - low).cast(kind)
        except pa.ArrowInvalid:
            high = middle
        else:
            low = middle
    return low, column[low].as_py()


def check_utf8(path: Path, where: str) -> None:
    """Refuse a file that is not UTF-8 throughout, a line at a time.

    Args:
        path: The file.
        where: The file, for messages.

    Raises:
        ModelsError: A byte is none of UTF-8; the message names it and its line, from 1.
    """
    with path.open("rb") as file:
        for number, data in enumerate(file, 1):
            try:
                data.decode()
            except UnicodeDecodeError as error:
                raise ModelsError(
                    f"{where} must be UTF-8 text, but has the byte {data[error.start]:#04x} in "
                    f"line {number}. Save it as UTF-8."
                ) from None
