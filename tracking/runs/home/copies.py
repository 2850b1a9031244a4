"""Copies a database file, whole even while another process writes to it."""

from __future__ import annotations

import itertools
import sqlite3
from contextlib import closing
from pathlib import Path


def copy_whole(source: Path, target: Path) -> None:
    """Copy an SQLite database as it stands between two transactions.

    Args:
        source: The database, which is only read.
        target: The file to write; one that is there is replaced in its content.

    Raises:
        sqlite3.Error: It cannot be read, or there is no room for the copy.
    """
    with (
        closing(sqlite3.connect(f"{source.absolute().as_uri()}?mode=ro", uri=True)) as read,
        closing(sqlite3.connect(target)) as written,
    ):
        read.backup(written)


def backed_up(path: Path, version: str) -> Path:
    """Copy an SQLite database before it is changed, to a file beside it.

    Args:
        path: The database.
        version: What it is about to become; the copy is `PATH.before-VERSION`. Where there is one
            already, as of an upgrade that was cut short, that stays, and a number follows.

    Returns:
        The copy, which is whole or not there.

    Raises:
        OSError, sqlite3.Error: It cannot be read, or there is no room for the copy.

    Example:
        >>> with closing(sqlite3.connect("runs.db")) as made, made:
        ...     _ = made.execute("CREATE TABLE runs (name)")
        >>> str(backed_up(Path("runs.db"), "2"))
        'runs.db.before-2'
    """
    names = itertools.chain([""], (f".{number}" for number in itertools.count(2)))
    named = (path.with_name(f"{path.name}.before-{version}{name}") for name in names)
    backup = next(each for each in named if not each.exists())
    partial = backup.with_name(f"{backup.name}.partial")
    partial.unlink(missing_ok=True)
    copy_whole(path, partial)
    partial.replace(backup)
    return backup
