"""Follows a home that was moved, renamed or copied: MLflow keeps whole paths of artifacts."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import closing, suppress
from pathlib import Path

from tracking.addresses import local_folder

_COLUMNS = (
    ("experiments", "artifact_location"),
    ("runs", "artifact_uri"),
    ("logged_models", "artifact_location"),
    ("model_versions", "source"),
    ("model_versions", "storage_location"),
)
"""Where MLflow's tables hold places of artifacts."""
_WAITS_S = 60.0
_FIRST = "SELECT artifact_location FROM experiments WHERE experiment_id = 0"
_followed: set[Path] = set()
_lock = threading.Lock()


def follow(database: Path, artifacts: Path) -> None:
    """Have the artifacts of a database looked for in the home in which it lies now.

    So a home works wherever it is moved, and a copy neither reads nor deletes files of the home
    that it was copied from. It costs a millisecond, once a process. A database that cannot be
    written to, or whose artifacts are no folder of a home, stays as it is.

    Args:
        database: MLflow's database in the home.
        artifacts: The home's folder for artifacts.
    """
    with _lock:
        if database in _followed or not (database.is_file() and artifacts.is_dir()):
            return
        with suppress(sqlite3.Error, OSError):  # it is read-only, or no database: others tell that
            _follow(database, artifacts)
            _followed.add(database)


def _follow(database: Path, artifacts: Path) -> None:
    with closing(sqlite3.connect(database, timeout=_WAITS_S, isolation_level=None)) as connection:
        _as_address(connection)
        former = _former(connection, artifacts)
        if former is None:
            return
        connection.execute("BEGIN IMMEDIATE")
        if _former(connection, artifacts) == former:  # else another process was first
            for table, column in _COLUMNS:
                for old, new in ((former.as_uri(), artifacts.as_uri()), (former, artifacts)):
                    connection.execute(
                        f"UPDATE {table} SET {column} = ? || substr({column}, ?) "
                        f"WHERE substr({column}, 1, ?) = ?",
                        (f"{new}/", len(f"{old}/") + 1, len(f"{old}/"), f"{old}/"),
                    )
        connection.execute("COMMIT")


def _as_address(connection: sqlite3.Connection) -> None:
    """Write the folder of MLflow's own experiment as an address, as all others are.

    Earlier versions wrote its path, in which MLflow takes `%41` for an `A`.
    """
    row = connection.execute(_FIRST).fetchone()
    if row is not None and Path(str(row[0])).is_absolute():
        connection.execute(
            "UPDATE experiments SET artifact_location = ? WHERE experiment_id = 0",
            (Path(str(row[0])).as_uri(),),
        )


def _former(connection: sqlite3.Connection, artifacts: Path) -> Path | None:
    """The folder for artifacts in which the home's lay before; None where that is where it is.

    MLflow's own experiment is in every database, and its folder is named 0.
    """
    row = connection.execute(_FIRST).fetchone()
    folder = None if row is None else local_folder(str(row[0]))
    if folder is None or folder.name != "0" or folder.parent.name != artifacts.name:
        return None
    former = folder.parent
    if former == artifacts or (former.is_dir() and former.samefile(artifacts)):
        return None
    return former if former.is_absolute() else None
