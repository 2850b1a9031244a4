"""Brings MLflow's tables of an earlier version to those of the installed one, after a backup.

Only those of a home: a database on a server is refused, with what its owner can do.
"""

from __future__ import annotations

from pathlib import Path

from tracking.addresses import sqlite_address, without_password
from tracking.errors import TrackingError
from tracking.runs.home.copies import backed_up
from tracking.runs.home.steps import revision_at, steps_of
from tracking.runs.quiet import quiet
from tracking.runs.template import revision

_WAITS_S = 120.0
_current: set[Path] = set()
_seen: set[str] = set()


def is_earlier(path: Path) -> bool:
    """Whether a database's tables are of an MLflow before the installed one.

    Args:
        path: The file.
    """
    return revision(path) in _steps()[1:]


def upgrade(path: Path) -> Path | None:
    """Upgrade a database file, if its tables are of an earlier MLflow; looked at once a process.

    What it held before stays beside it, as `mlflow.db.before-` and the name of the step of MLflow
    that comes first. Processes that do so at once wait for the one that is first.

    Args:
        path: The file.

    Returns:
        The backup; None where nothing was to be done.

    Raises:
        TrackingError: Another process holds the lock for two minutes.
        OSError, sqlite3.Error: There is no room for the backup; then nothing is changed.
    """
    if path in _current or not is_earlier(path):
        _current.add(path)
        return None
    from filelock import FileLock

    with FileLock(f"{path}.lock", timeout=_WAITS_S):
        if not is_earlier(path):
            return None
        steps = _steps()
        first = steps[steps.index(str(revision(path))) - 1]
        backup = backed_up(path, first)
        _migrate(path)
        return backup


def refuse_other_tables(uri: str) -> None:
    """Refuse a database on a server with the tables of another MLflow; looked at once a process.

    Others may use it with the MLflow that they have, and no backup of it can be made from here.
    MLflow by itself would upgrade it unasked where a table of the installed version is missing.

    Args:
        uri: SQLAlchemy address.

    Raises:
        TrackingError: The tables are of another version, or of another program.
        SQLAlchemyError: The database does not answer.
    """
    if uri in _seen or (own := revision_at(uri)) is None:
        return
    steps = _steps()
    if own == steps[0]:
        _seen.add(uri)
        return
    shown = without_password(uri)
    told = f"The record must have the tables of the installed MLflow, but those in {shown} are of "
    if own in steps:
        raise TrackingError(
            f"{told}an earlier one. Back the database up and run `mlflow db upgrade {shown}`."
        )
    raise TrackingError(
        f"{told}a later one or of another program. Install that MLflow, or name another database."
    )


def _migrate(path: Path) -> None:
    quiet()
    from mlflow.store.db.utils import _upgrade_db
    from sqlalchemy import create_engine
    from sqlalchemy.pool import NullPool

    engine = create_engine(sqlite_address(path), poolclass=NullPool)
    try:
        _upgrade_db(engine)
    finally:
        engine.dispose()


def _steps() -> tuple[str, ...]:
    """The steps by which the installed MLflow came to its tables, the latest first."""
    return steps_of("mlflow", "store/db_migrations/versions")
