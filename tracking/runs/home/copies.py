"""Copies a database file, whole even while another process writes to it."""

from __future__ import annotations

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
        closing(sqlite3.connect(f"{source.as_uri()}?mode=ro", uri=True)) as read,
        closing(sqlite3.connect(target)) as written,
    ):
        read.backup(written)
