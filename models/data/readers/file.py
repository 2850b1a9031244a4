"""Read ratings from a file, whose format is recognised by its content, not by its name."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path

from models.data.options import SourceOptions
from models.data.readers.feather import read_feather
from models.data.readers.json_lines import read_json
from models.data.readers.packed import packing_of, unpacked
from models.data.readers.parquet import read_parquet
from models.data.readers.sqlite import read_sqlite
from models.data.readers.text import read_text
from models.data.table import RatingTable
from models.errors import ModelsError

_SQLITE = b"SQLite format 3\0"
_BINARY = {b"PAR1": read_parquet, b"ARROW1": read_feather}
_HEAD_BYTES = 512
_ENDINGS = {
    "Parquet": (".parquet", ".pq"),
    "SQLite": (".sqlite", ".sqlite3", ".db"),
    "Feather": (".feather", ".arrow"),
}


def read_file(path: Path, options: SourceOptions, *, gaps: bool = False) -> RatingTable:
    """Read a file of ratings: text, JSON, Parquet, Feather or SQLite, compressed or not.

    Args:
        path: The file.
        options: May name columns and a table.
        gaps: Whether rows may lack a score or a time (MUBI's reviews do).

    Returns:
        The scored rows.

    Raises:
        ModelsError: The file cannot be read, or breaks a rule.
    """
    where = path.name[:100]
    try:
        packing = packing_of(_head(path))
        if packing is None:
            return _read(path, options, where=where, gaps=gaps)
        with unpacked(path, packing, where=where) as inner:
            return _read(inner, options, where=where, gaps=gaps)
    except OSError as error:
        raise ModelsError(f"{str(path)[:200]} cannot be read: {error.strerror or error}.") from None


def _read(path: Path, options: SourceOptions, *, where: str, gaps: bool) -> RatingTable:
    """Read a file that is not compressed."""
    head = _head(path)
    if head.startswith(_SQLITE):
        return _told(read_sqlite(path, options, where=where, gaps=gaps), options, where)
    if options.table is not None:
        raise ModelsError(f"`table` is for SQLite files, but {where} is none.")
    for start, read in _BINARY.items():
        if head.startswith(start):
            return _told(read(path, options, where=where, gaps=gaps), options, where)
    _refuse(path, head, where)
    if _is_json(path, head):
        return _told(read_json(path, options, where=where, gaps=gaps), options, where)
    return read_text(path, options, where=where, gaps=gaps)


def _is_json(path: Path, head: bytes) -> bool:
    """Whether a file begins as JSON does: an object, or a list of objects, of lists, or of none."""
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if text.startswith((b"{", b"[{", b"[[", b"[\n", b"[\r", b"[ ")) or text.rstrip() == b"[]":
        return True
    return text.startswith(b"[") and path.suffix.lower() in (".json", ".jsonl", ".ndjson")


def _told(table: RatingTable, options: SourceOptions, where: str) -> RatingTable:
    """Say which options are for text files, and so have no effect on this one."""
    named = {"--columns": options.columns, "--separator": options.separator}
    without = " and ".join(f"`{name}`" for name, value in named.items() if value is not None)
    if not without:
        return table
    line = (
        f"{where} names its columns itself: {without}, for text files, had no effect. Use "
        "`--user-column`, `--movie-column`, `--score-column` and `--timestamp-column`."
    )
    return replace(table, warnings=(*table.warnings, line))


def _head(path: Path) -> bytes:
    """Read the first bytes of a file."""
    if not path.exists():
        raise ModelsError(
            f"The ratings file must exist, but there is no {path.absolute()}.{_near(path)}"
        )
    if not path.is_file():
        raise ModelsError(f"The ratings must be a file, but {path} is a folder.")
    with path.open("rb") as file:
        return file.read(_HEAD_BYTES)


def _near(path: Path) -> str:
    """The files of a similar name in the same folder, as a sentence; empty where there are none."""
    if not path.parent.is_dir():
        return f" The folder {path.parent.absolute()} is not there either."
    with contextlib.suppress(OSError):
        names = sorted(each.name for each in path.parent.iterdir() if each.is_file())
        if near := get_close_matches(path.name, names):
            return f" Near it: {', '.join(near)}."
    return " Correct the path."


def _refuse(path: Path, head: bytes, where: str) -> None:
    """Refuse a file that is empty, of a format that is not read, or other than its name says."""
    if not head:
        raise ModelsError(f"{where} must have column names and rows, but is empty.")
    if head[257:262] == b"ustar":
        raise ModelsError(
            f"{where} must be a file of ratings, but is a tar archive. Unpack it, and name the "
            "file in it."
        )
    if head.startswith(b"FEA1"):
        raise ModelsError(
            f"{where} must be Feather of version 2, but is of version 1. Write it again with "
            "pyarrow or pandas of today."
        )
    if packing_of(head) is not None:
        raise ModelsError(f"{where} must be compressed once, but is again inside. Unpack it first.")
    ending = path.suffix.lower()
    for name, endings in _ENDINGS.items():
        if ending in endings:
            raise ModelsError(f"{where} must be {name} by its name, but its content is not.")
