"""Read ratings from SQLite files."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import quote

from models.data.options import SourceOptions
from models.data.readers.arrow_columns import rating_table
from models.data.readers.columns import Columns, resolve_columns
from models.data.readers.sqlite_rows import SqliteTable, read_columns
from models.data.table import RatingTable
from models.errors import ModelsError

_PREFERRED = "ratings"


def read_sqlite(
    path: Path, options: SourceOptions, *, where: str, gaps: bool = False
) -> RatingTable:
    """Read the ratings of a table of a SQLite file, in the order of its row numbers.

    Args:
        path: The file; it is opened read-only.
        options: May name the table and columns.
        where: The file, for messages.
        gaps: Whether rows may lack a score or a time.

    Returns:
        The scored rows.

    Raises:
        ModelsError: The file or a value in it breaks a rule.
    """
    _check_length(path, where)
    try:
        with _open(path) as database:
            table, names = _choose(database, options, where)
            columns = read_columns(database, table, names, where=where)
    except sqlite3.Error as error:
        raise ModelsError(f"{where} must be a whole SQLite database, but: {error}.") from None
    return rating_table(columns, names, options, where=where, gaps=gaps)


def _check_length(path: Path, where: str) -> None:
    """Refuse a file that was cut off, since SQLite may read its missing pages as empty ones.

    The header tells the page size at byte 16 and the number of pages at byte 28, which counts where
    the change counters at bytes 24 and 92 agree (sqlite.org/fileformat.html).
    """
    with path.open("rb") as file:
        header = file.read(100)
    page_bytes = int.from_bytes(header[16:18], "big")
    page_bytes = 65536 if page_bytes == 1 else page_bytes
    pages = int.from_bytes(header[28:32], "big") if header[24:28] == header[92:96] else 0
    size = path.stat().st_size
    if len(header) < 100 or size < pages * page_bytes:
        raise ModelsError(
            f"{where} must be a whole SQLite database of {pages * page_bytes:,} bytes, "
            f"but has {size:,}."
        )


@contextmanager
def _open(path: Path) -> Iterator[sqlite3.Connection]:
    """Open a database read-only.

    Where no log file holds pending changes, `immutable` keeps SQLite from making lock or log
    files.
    """
    beside = [path.with_name(path.name + end) for end in ("-wal", "-journal")]
    pending = any(file.exists() and file.stat().st_size for file in beside)
    address = f"file:{quote(str(path.absolute()))}?mode=ro" + ("" if pending else "&immutable=1")
    with closing(sqlite3.connect(address, uri=True)) as database:
        yield database


def _choose(
    database: sqlite3.Connection, options: SourceOptions, where: str
) -> tuple[SqliteTable, Columns]:
    """Choose the table asked for, else `ratings`, else the only one that has the columns."""
    query = "SELECT name FROM sqlite_master WHERE type IN ('table', 'view') ORDER BY name"
    tables = [name for (name,) in database.execute(query) if not name.startswith("sqlite_")]
    listed = ", ".join(tables[:12]) or "none"
    if options.table is not None and options.table not in tables:
        raise ModelsError(f"{where} has no table {options.table!r}; its tables: {listed}.")
    wanted = options.table or (tables[0] if len(tables) == 1 else None)
    if wanted is not None:
        table = _describe(database, wanted)
        return table, resolve_columns(list(table.types), options, where=f"{where}, table {wanted}")
    fitting: dict[str, tuple[SqliteTable, Columns]] = {}
    for name in tables:
        table = _describe(database, name)
        try:
            fitting[name] = table, resolve_columns(list(table.types), options, where=where)
        except ModelsError:
            continue
    if len(fitting) == 1 or _PREFERRED in fitting:
        return fitting.get(_PREFERRED) or next(iter(fitting.values()))
    candidates = ", ".join(fitting) if fitting else f"none of {listed}"
    raise ModelsError(
        f"{where} must have one table with a user, a movie and a score column, but "
        f"{candidates} "
        f"{'do' if fitting else 'does'}. Choose with `--table` and the column options."
    )


def _describe(database: sqlite3.Connection, name: str) -> SqliteTable:
    """Look up the columns of a table and the name of its row number."""
    quoted = '"' + name.replace('"', '""') + '"'
    rows = database.execute(f"PRAGMA table_info({quoted})").fetchall()
    types = {row[1]: row[2].upper() for row in rows}
    return SqliteTable(quoted, types, _row_order(database, quoted, types))


def _row_order(database: sqlite3.Connection, quoted: str, types: dict[str, str]) -> str | None:
    """Find a name of SQLite's row number ("rowid") that no column has; None if none works."""
    taken = {column.lower() for column in types}
    for name in ("rowid", "_rowid_", "oid"):
        if name in taken:
            continue
        try:
            row = database.execute(f"SELECT {name} FROM {quoted} LIMIT 1").fetchone()
        except sqlite3.OperationalError:
            return None
        return name if row and row[0] is not None else None
    return None
