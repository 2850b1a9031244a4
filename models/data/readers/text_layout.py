"""Find out how a text file of ratings is laid out: its separator and its column names."""

from __future__ import annotations

import codecs
import csv
from dataclasses import dataclass
from pathlib import Path

from models.errors import ModelsError

DOUBLE_COLON = "::"
_NAMES = ("user", "movie", "rating", "timestamp")
_HEAD_BYTES = 1 << 16


@dataclass(frozen=True, slots=True)
class TextLayout:
    """The separator and the column names of a text file.

    Attributes:
        separator: A comma, a tab, or two colons.
        names: Column names, left to right.
        has_header: Whether the first line holds the names.
        first_row: Fields of the first data row, empty where there is none.
    """

    separator: str
    names: tuple[str, ...]
    has_header: bool
    first_row: tuple[str, ...]


def read_layout(path: Path, *, where: str) -> TextLayout:
    """Find the layout of a text file from its first lines.

    Args:
        path: The file.
        where: The file, for messages.

    Returns:
        The layout; `user::movie::rating[::timestamp]` without names is recognised.

    Raises:
        ModelsError: The file is no UTF-8 text, or its first line has no known separator.
    """
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    lines = [line for line in _text(head, where).splitlines() if line.strip()][:2]
    if not lines:
        raise ModelsError(f"{where} must have column names and rows, but is empty.")
    separator = _separator(lines[0], where)
    fields = [_fields(line, separator) for line in lines]
    if separator == DOUBLE_COLON and 3 <= len(fields[0]) <= 4 and _is_number(fields[0][2]):
        return TextLayout(separator, _NAMES[: len(fields[0])], False, fields[0])
    return TextLayout(separator, fields[0], True, fields[1] if len(fields) > 1 else ())


def _text(head: bytes, where: str) -> str:
    """Decode the first bytes of a file."""
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise ModelsError(f"{where} must be UTF-8 text, but is UTF-16. Save it as UTF-8.")
    if b"\0" in head:
        raise ModelsError(f"{where} must be CSV, TSV, `::`, Parquet or SQLite, but is binary.")
    decoder = codecs.getincrementaldecoder("utf-8-sig")()
    try:
        return decoder.decode(head)  # the end of the head may cut a character: that is no error
    except UnicodeDecodeError as error:
        # `error.start` counts from behind a byte order mark, so the bytes come from the error.
        line = error.object[: error.start].count(b"\n") + 1
        raise ModelsError(
            f"{where} must be UTF-8 text, but has the byte {error.object[error.start]:#04x} in "
            f"line {line}. Save it as UTF-8."
        ) from None


def _separator(line: str, where: str) -> str:
    """Find the separator of a line: `::` if the line has one, else a tab, else a comma."""
    for separator in (DOUBLE_COLON, "\t", ","):
        if separator in line:
            return separator
    raise ModelsError(
        f"{where} must be separated by commas, tabs or `::`, but its first line is {line[:60]!r}."
    )


def _fields(line: str, separator: str) -> tuple[str, ...]:
    if separator == DOUBLE_COLON:
        return tuple(line.split(DOUBLE_COLON))
    return tuple(next(csv.reader([line], delimiter=separator)))


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
