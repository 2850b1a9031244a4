"""Makes MLflow's tables in a database; a lock keeps several processes from doing so at once."""

from __future__ import annotations

import os
import sqlite3
import threading
from contextlib import closing
from pathlib import Path

from tracking.addresses import sqlite_address
from tracking.errors import TrackingError
from tracking.runs.home.folding import fold_in_at_exit
from tracking.runs.quiet import one_line, quiet
from tracking.runs.reaching import reach_database, unreachable
from tracking.runs.template import copied, kept_revision, revision

_LOCK_TIMEOUT_S = 120.0
_migrating = threading.Lock()  # Alembic keeps what it works on in a variable of the process


def prepare_sqlite(path: Path) -> None:
    """Make MLflow's SQLite database file, unless the file is complete already.

    It is built under another name and then moved into place. So a file under its final name is
    complete, and a process that is killed half-way leaves nothing that the next one would trust.

    Args:
        path: The file.

    Raises:
        TrackingError: If the file is another program's, or the folder cannot be written.
    """
    fold_in_at_exit(path)
    if _is_ready(path):
        return
    from filelock import FileLock, Timeout

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{path}.lock", timeout=_LOCK_TIMEOUT_S):
            if not _is_ready(path):
                _place(path)
    except Timeout as error:
        raise TrackingError(
            f"Making the record must take less than {_LOCK_TIMEOUT_S:.0f} s, but {path}.lock is "
            "still held. End the process that holds it and try again."
        ) from error
    except OSError as error:
        raise TrackingError(
            f"The record needs a folder it can write to, but {path.parent} cannot be one "
            f"({error.strerror or error}). Choose another folder."
        ) from error


def check_sqlite(path: Path) -> None:
    """Check, without loading MLflow, that a file is MLflow's database or not there yet.

    Raises:
        TrackingError: It is another program's, or of another version of MLflow.
    """
    if not _is_ready(path):
        return
    own, wanted = revision(path), kept_revision()
    if wanted is None or own == wanted:
        return
    from tracking.runs.home.upgrade import is_earlier

    if not is_earlier(path):
        raise TrackingError(
            "The record must be readable by the installed MLflow, but the tables in "
            f"{path} are of a later version of it. Install that, or choose another folder."
        )


def prepare_database(uri: str, *, lock: Path) -> None:
    """Make MLflow's tables in a database on a server.

    The server is asked once whether it is there. MLflow by itself would try ten times, for a
    minute and a half, before it gives up.

    Args:
        uri: SQLAlchemy address.
        lock: File that keeps the processes of this machine from racing.

    Raises:
        TrackingError: If the server does not answer or MLflow cannot use it.
    """
    quiet()
    from filelock import FileLock
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    from tracking.runs.home.upgrade import refuse_other_tables

    try:
        reach_database(uri)
        with FileLock(str(lock), timeout=_LOCK_TIMEOUT_S):
            refuse_other_tables(uri)
            SqlAlchemyStore(uri, str(lock.parent / "artifacts")).engine.dispose()
    except TrackingError:
        raise
    except Exception as error:  # drivers raise classes of their own, or ImportError
        raise unreachable(uri, one_line(error)) from error


def _is_ready(path: Path) -> bool:
    """Whether the file holds MLflow's tables.

    Raises:
        TrackingError: If it holds another program's tables, or is no SQLite database.
    """
    if not path.exists() or path.stat().st_size == 0:
        return False
    try:
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as connection:
            rows = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            tables = {name for (name,) in rows}
    except sqlite3.Error as error:
        raise TrackingError(
            f"The record must be an SQLite database, but {path} is not one ({error}). Move the "
            "file away, together with those of the same name that end in -wal and -shm: `trialbook "
            "doctor --fix` then writes the record anew from Optuna's storage."
        ) from error
    if tables and not {"experiments", "runs"} <= tables:
        raise TrackingError(
            f"The record must be MLflow's own database, but {path} holds other tables "
            f"({', '.join(sorted(tables)[:3])}). Choose another file."
        )
    return bool(tables)


def _place(path: Path) -> None:
    building = path.with_name(f"{path.name}.building")
    building.unlink(missing_ok=True)
    build(building, artifacts=path.parent / "artifacts")
    os.replace(building, path)


def build(path: Path, *, artifacts: Path) -> None:
    """Make a database file with MLflow's tables; until the function returns, do not use the file.

    After the first one, which takes seconds, it is a copy of an empty one that was kept.

    Args:
        path: The file.
        artifacts: Folder for the artifacts of the experiment that MLflow makes by itself.
    """

    def make(made: Path) -> None:
        quiet()
        from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

        with _migrating:
            SqlAlchemyStore(sqlite_address(made), artifacts.as_uri()).engine.dispose()

    copied(path, artifacts, make)
    with closing(sqlite3.connect(path)) as connection:
        # Readers no longer wait for a writer; stays with the file.
        connection.execute("PRAGMA journal_mode = WAL")
