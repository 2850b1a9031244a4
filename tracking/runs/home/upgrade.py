"""Brings MLflow's tables of an earlier version to those of the installed one, after a backup."""

from __future__ import annotations

from pathlib import Path

from tracking.addresses import sqlite_address
from tracking.runs.home.copies import copy_whole
from tracking.runs.quiet import quiet
from tracking.runs.template import kept_revision, revision

_WAITS_S = 120.0
_current: set[Path] = set()


def is_earlier(path: Path) -> bool:
    """Whether a database's tables are of an MLflow before the installed one.

    It takes a second where they are not those that the installed one was seen to make.

    Args:
        path: The file.
    """
    own = revision(path)
    if own is None or own == kept_revision():
        return False
    steps = _steps()
    return own in steps and own != steps[0]


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
        backup = path.with_name(f"{path.name}.before-{first}")
        partial = backup.with_name(f"{backup.name}.partial")
        partial.unlink(missing_ok=True)
        copy_whole(path, partial)
        partial.replace(backup)
        _migrate(path)
        return backup


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


def _steps() -> list[str]:
    """The steps by which the installed MLflow came to its tables, the latest first."""
    quiet()
    from alembic.script import ScriptDirectory
    from mlflow.store.db.utils import _get_alembic_config

    script = ScriptDirectory.from_config(_get_alembic_config(""))
    return [str(step.revision) for step in script.walk_revisions()]
