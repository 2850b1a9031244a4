"""Read ratings from a file, whose format is recognised by its content, not by its name."""

from __future__ import annotations

from pathlib import Path

from models.data.options import SourceOptions
from models.data.readers.parquet import read_parquet
from models.data.readers.sqlite import read_sqlite
from models.data.readers.text import read_text
from models.data.table import RatingTable
from models.errors import ModelsError

_SQLITE, _PARQUET = b"SQLite format 3\0", b"PAR1"
_PACKED = {
    b"\x1f\x8b": "gzip",
    b"PK\x03\x04": "zip",
    b"BZh": "bzip2",
    b"\xfd7zXZ": "xz",
    b"\x28\xb5\x2f\xfd": "zstd",
}
_PARQUET_ENDINGS = (".parquet", ".pq")
_SQLITE_ENDINGS = (".sqlite", ".sqlite3", ".db")


def read_file(path: Path, options: SourceOptions, *, gaps: bool = False) -> RatingTable:
    """Read a file of ratings: CSV, TSV, `::`-separated, Parquet or SQLite.

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
        head = _head(path)
        if head.startswith(_SQLITE):
            return read_sqlite(path, options, where=where, gaps=gaps)
        if options.table is not None:
            raise ModelsError(f"`table` is for SQLite files, but {where} is none.")
        if head.startswith(_PARQUET):
            return read_parquet(path, options, where=where, gaps=gaps)
        _refuse(path, head, where)
        return read_text(path, options, where=where, gaps=gaps)
    except OSError as error:
        raise ModelsError(f"{str(path)[:200]} cannot be read: {error.strerror or error}.") from None


def _head(path: Path) -> bytes:
    """Read the first 16 bytes of a file."""
    if not path.exists():
        raise ModelsError(f"The ratings file must exist, but there is no {path}.")
    if not path.is_file():
        raise ModelsError(f"The ratings must be a file, but {path} is a folder.")
    with path.open("rb") as file:
        return file.read(16)


def _refuse(path: Path, head: bytes, where: str) -> None:
    """Refuse a file that is empty, compressed, or named as Parquet or SQLite but is neither."""
    if not head:
        raise ModelsError(f"{where} must have column names and rows, but is empty.")
    for start, name in _PACKED.items():
        if head.startswith(start):
            raise ModelsError(
                f"{where} must be unpacked, but is a {name} archive. Unpack it first."
            )
    ending = path.suffix.lower()
    for endings, name in ((_PARQUET_ENDINGS, "Parquet"), (_SQLITE_ENDINGS, "SQLite")):
        if ending in endings:
            raise ModelsError(f"{where} must be {name} by its name, but its content is not.")
