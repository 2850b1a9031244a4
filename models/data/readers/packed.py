"""Unpack a compressed file of ratings into a temporary one."""

from __future__ import annotations

import bz2
import gzip
import lzma
import shutil
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from textwrap import shorten
from typing import Any

from models.errors import ModelsError

_ZIP = b"PK\x03\x04"
_NAMES = {
    _ZIP: "zip",
    b"PK\x05\x06": "zip",
    b"\x1f\x8b": "gzip",
    b"BZh": "bzip2",
    b"\xfd7zXZ": "xz",
    b"\x28\xb5\x2f\xfd": "zstd",
}
_TABLES = (
    *(".csv", ".tsv", ".txt", ".dat", ".data", ".base", ".test", ".json", ".jsonl", ".ndjson"),
    *(".parquet", ".pq", ".feather", ".arrow", ".sqlite", ".sqlite3", ".db"),
)
_BY_THE_WAY = ("readme", "license", "licence", "changelog", "about")
_MOST_LISTED = 8


def packing_of(head: bytes) -> str | None:
    """Name how a file is compressed, by its first bytes: "gzip"; None where it is not."""
    return next((name for start, name in _NAMES.items() if head.startswith(start)), None)


@contextmanager
def unpacked(path: Path, packing: str, *, where: str) -> Iterator[Path]:
    """Unpack a file into a temporary folder, which is removed afterwards.

    Args:
        path: The compressed file.
        packing: As `packing_of` names it.
        where: The file, for messages.

    Yields:
        The unpacked file; of a zip archive the one that holds ratings.

    Raises:
        ModelsError: The file is damaged, or an archive does not say which of its files to read.
    """
    import pyarrow as pa

    with _locked_folder() as folder:
        try:
            inner = _unpack(path, packing, folder, where)
        except (
            EOFError, OSError, RuntimeError, zlib.error, lzma.LZMAError, zipfile.BadZipFile,
            pa.ArrowException,
        ) as error:  # fmt: skip
            reason = shorten(str(error) or type(error).__name__, 120, placeholder=" …")
            raise ModelsError(
                f"{where} must be a whole {packing} archive, but cannot be unpacked: {reason}"
            ) from None
        with inner.open("rb") as file:
            head = file.read(512)
        if head[257:262] == b"ustar":
            raise ModelsError(
                f"{where} must hold one file of ratings, but holds a tar archive. Unpack it, and "
                "name the file in it."
            )
        yield inner


@contextmanager
def _locked_folder() -> Iterator[Path]:
    """Have a temporary folder with a lock beside it that ends with this process.

    Where the process is killed, a later command sees by the lock that the folder is nobody's.
    """
    from filelock import FileLock

    with TemporaryDirectory(prefix="trialbook-unpacked-", ignore_cleanup_errors=True) as name:
        making = Path(name) / "in-use.new"
        with FileLock(making):
            with suppress(OSError):  # it gets its name once it is locked
                making.rename(making.with_suffix(""))
            files = Path(name) / "files"
            files.mkdir()
            yield files


def _unpack(path: Path, packing: str, folder: Path, where: str) -> Path:
    """Unpack a file into a folder, and return the file there."""
    if packing == "zip":
        return _member(path, folder, where)
    target = folder / (path.stem or "ratings")
    with _OPENERS[packing](path) as source, target.open("wb") as file:
        shutil.copyfileobj(source, file, 1 << 20)
    return target


def _zstd(path: Path) -> Any:
    import pyarrow as pa

    return pa.input_stream(str(path), compression="zstd")


_OPENERS: dict[str, Callable[[Path], Any]] = {
    "gzip": gzip.open,
    "bzip2": bz2.open,
    "xz": lzma.open,
    "zstd": _zstd,
}


def _member(path: Path, folder: Path, where: str) -> Path:
    """Unpack the one file of a zip archive that holds ratings."""
    with zipfile.ZipFile(path) as archive:
        names = [name for name in archive.namelist() if not name.endswith("/")]
        if "xl/workbook.xml" in names:
            raise ModelsError(
                f"{where} must be a file of ratings, but is an Excel workbook. Save its sheet as "
                "CSV."
            )
        name = _chosen(names, where)
        target = folder / PurePosixPath(name).name
        with archive.open(name) as source, target.open("wb") as file:
            shutil.copyfileobj(source, file, 1 << 20)
    return target


def _chosen(names: list[str], where: str) -> str:
    """Choose the file of an archive that holds ratings: the only table, or the one named so."""
    tables = [name for name in names if _is_table(PurePosixPath(name))]
    rated = [name for name in tables if "rating" in PurePosixPath(name).name.lower()]
    for found in (tables, rated):
        if len(found) == 1:
            return found[0]
    listed = ", ".join((tables or names)[:_MOST_LISTED]) or "none"
    raise ModelsError(
        f"{where} must hold one file of ratings, or one with `rating` in its name, but holds "
        f"{listed}. Unpack it, and name the file."
    )


def _is_table(name: PurePosixPath) -> bool:
    """Whether a file of an archive may be a table, by its name."""
    hidden = any(part.startswith((".", "__MACOSX")) for part in name.parts)
    aside = name.name.lower().startswith(_BY_THE_WAY)
    return not hidden and not aside and name.suffix.lower() in _TABLES
