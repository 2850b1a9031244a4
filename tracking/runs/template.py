"""Keeps MLflow's empty tables in the cache folder: a copy spares the seconds of making them."""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Callable
from contextlib import closing, suppress
from importlib.metadata import version
from pathlib import Path

_DEFAULT = 0
"""Identifier of the experiment that MLflow makes by itself: the only row that names a folder."""


def copied(path: Path, artifacts: Path, make: Callable[[Path], None]) -> None:
    """Write an empty database of the installed MLflow: a copy of one that was kept, or a new one.

    Args:
        path: The file, which is not there yet.
        artifacts: Folder for the artifacts of the experiment that MLflow makes by itself.
        make: Makes such a database where none is kept yet.
    """
    kept = _kept()
    with suppress(OSError, sqlite3.Error):
        if kept.is_file():
            shutil.copyfile(kept, path)
            _readdress(path, artifacts)
            return
    path.unlink(missing_ok=True)
    make(path)
    with suppress(OSError):
        kept.parent.mkdir(parents=True, exist_ok=True)
        _keep(path, kept)


def revision(path: Path) -> str | None:
    """The version of MLflow's tables in a database file; None where the file does not say."""
    with (
        suppress(sqlite3.Error),
        closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as c,
    ):
        row = c.execute("SELECT version_num FROM alembic_version").fetchone()
        return None if row is None else str(row[0])
    return None


def kept_revision() -> str | None:
    """The version of the tables that the installed MLflow makes; None where none are kept."""
    kept = _kept()
    return revision(kept) if kept.is_file() else None


def _kept() -> Path:
    """The file that the installed MLflow's empty tables are kept in."""
    return _folder() / f"mlflow-{version('mlflow')}.db"


def _keep(path: Path, kept: Path) -> None:
    """Copy a database to where it is kept; another process sees all of it or nothing."""
    with tempfile.NamedTemporaryFile(dir=kept.parent, delete=False) as partial:
        try:
            shutil.copyfile(path, partial.name)
            os.replace(partial.name, kept)
        except OSError:
            Path(partial.name).unlink(missing_ok=True)
            raise


def _readdress(path: Path, artifacts: Path) -> None:
    """Make a copy another home's: the folder of MLflow's own experiment, and when it was made.

    Raises:
        sqlite3.Error: The copy is damaged, or not what was kept.
    """
    now = int(time.time() * 1000)
    with closing(sqlite3.connect(path)) as connection, connection:
        if connection.execute("PRAGMA quick_check").fetchone() != ("ok",):
            raise sqlite3.DatabaseError(f"{path} is damaged")
        changed = connection.execute(
            "UPDATE experiments SET artifact_location = ?, creation_time = ?, last_update_time = ? "
            "WHERE experiment_id = ?",
            ((artifacts / str(_DEFAULT)).as_uri(), now, now, _DEFAULT),
        )
        if changed.rowcount != 1:
            raise sqlite3.DatabaseError(f"{path} lacks MLflow's own experiment")


def _folder() -> Path:
    """The user's cache folder, or what `TRIALBOOK_CACHE` names."""
    override = os.environ.get("TRIALBOOK_CACHE")
    if override:
        return Path(override)
    from platformdirs import user_cache_dir

    return Path(user_cache_dir("trialbook"))
