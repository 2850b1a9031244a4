"""Homes that earlier versions wrote, unpacked for a test."""

from __future__ import annotations

import sqlite3
import tarfile
from pathlib import Path

HOMES = Path(__file__).parents[1] / "homes"
OLD = "/old/place"


def unpack(name: str, folder: Path) -> None:
    """Unpack a home, and put its new place where the databases have the old one."""
    with tarfile.open(HOMES / name) as archive:
        # Pythons before 3.11.4 know no filters; the archives are our own.
        archive.extractall(
            folder, **({"filter": "data"} if hasattr(tarfile, "data_filter") else {})
        )
    for database in (folder / "mlruns").glob("*.db"):
        with sqlite3.connect(database) as connection:
            tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            for (table,) in tables.fetchall():
                for column in connection.execute(f'PRAGMA table_info("{table}")').fetchall():
                    connection.execute(
                        f'UPDATE "{table}" SET "{column[1]}" = replace("{column[1]}", ?, ?) '
                        f"WHERE typeof(\"{column[1]}\") = 'text'",
                        (OLD, str(folder)),
                    )
        connection.close()
