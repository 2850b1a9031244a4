"""Moves what SQLite keeps beside a database file into that file, when a process ends.

SQLite logs ahead of writing: the last writes stand in a file that ends in `-wal`, and SQLite moves
them into the database when the last connection is closed, or when they grow to some megabytes. A
process that ends without closing its connections would leave a whole study in that file. Then a
copy of the database file alone would be empty.
"""

from __future__ import annotations

import atexit
import os
import sqlite3
from contextlib import closing, suppress
from pathlib import Path

_files: set[Path] = set()
_process = 0


def fold_in_at_exit(database: Path | None) -> None:
    """Have `fold_in` called for a database file when this process ends.

    Args:
        database: The file; it need not exist yet. None for a server, of which nothing is done.

    Example:
        >>> fold_in_at_exit(Path("mlruns") / "optuna.db")
    """
    global _process
    if database is None:
        return
    if _process != os.getpid():  # the first call, or that of a forked process
        _process = os.getpid()
        _files.clear()
        atexit.register(_fold_all, _process)
    _files.add(database.absolute())


def fold_in(database: Path) -> None:
    """Move what SQLite keeps beside a database into the database, as far as nobody uses it now.

    It waits for nobody, and does nothing where the files cannot be written.

    Args:
        database: The file; none is made.
    """
    log = database.with_name(f"{database.name}-wal")
    with suppress(sqlite3.Error, OSError):
        if database.is_file() and log.is_file() and log.stat().st_size:
            with closing(sqlite3.connect(database, timeout=0)) as connection:
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _fold_all(process: int) -> None:
    if os.getpid() == process:
        for database in sorted(_files):
            fold_in(database)
