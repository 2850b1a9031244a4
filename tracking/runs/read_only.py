"""Reads a home that cannot be written to, or is not there: by way of copies of its databases."""

from __future__ import annotations

import atexit
import contextlib
import os
import shutil
import sqlite3
from pathlib import Path

from tracking.addresses import sqlite_address
from tracking.errors import TrackingError
from tracking.runs.home.copies import copy_whole
from tracking.runs.store import Store
from tracking.scratch import scratch_folder

_FOLDERS = ("artifacts", "spool")
_RECORD = "mlflow.db"
_TOO_LITTLE = 500_000
"""With less room than these bytes SQLite may not be able to write beside a database."""

_MIRRORS: dict[Path, Path] = {}
"""The temporary folders from which homes are read, each with its home."""


def to_read(store: Store, *, elsewhere: bool = False) -> Store:
    """A store to read a home from, which may be one that this process cannot write to.

    SQLite writes beside a database to read it. So where it cannot, for want of the right or of
    room, the home's databases are copied into a temporary folder, which lasts as long as this
    process; the other folders are links. Such a folder also stands in for a home that is not there,
    which reading does not make.

    A record that this user may not read is left out: `require_readable` tells of it.

    Args:
        store: The home, and MLflow's address.
        elsewhere: Whether what is read is not in the home, so that it need not be there.

    Returns:
        The store itself, where its home can be written to, or is not there and holds what is read,
        or where its disk is full and there is no room for copies on another one.

    Raises:
        TrackingError: This user may not read Optuna's database.
        OSError: There is no room for the copies.

    Example:
        >>> store = Store(Path("mlruns"))
        >>> to_read(store) == store
        True
    """
    home = store.home
    is_read_only = home.is_dir() and not os.access(home, os.W_OK)
    if is_read_only or (elsewhere and not home.exists()):
        return _mirror(store, elsewhere)
    if home.is_dir() and shutil.disk_usage(home).free < _TOO_LITTLE:
        with contextlib.suppress(OSError):
            return _mirror(store, elsewhere)
    return store


def mirrored(home: Path) -> Path:
    """The home that a temporary folder stands in for, to be named in messages.

    Args:
        home: A folder of `to_read`, or a home, which is returned as it is.

    Example:
        >>> str(mirrored(Path("mlruns")))
        'mlruns'
    """
    return _MIRRORS.get(home, home)


def require_readable(store: Store) -> None:
    """Refuse a record in a file of which it is plain that it cannot be opened; nothing is made.

    Args:
        store: MLflow's address; a file that is not there is not refused.

    Raises:
        TrackingError: It is a folder, or this user may not read it.

    Example:
        >>> require_readable(Store(Path("mlruns")))
    """
    path = mirrored(store.home) / _RECORD if store.is_own else store.sqlite_file
    if path is None:
        return
    if path.is_dir():
        raise TrackingError(
            f"The record must be a file, but {path} is a folder. Move it away: `trialbook doctor "
            "--fix` then writes the record anew from Optuna's storage."
        )
    if why := _why_unreadable(path):
        raise _unreadable("The record", path, why)


def _mirror(store: Store, elsewhere: bool) -> Store:
    """Copy what can be read of a home into a temporary folder.

    Raises:
        TrackingError: This user may not read Optuna's database.
        OSError: There is no room for the copies.
    """
    home = store.home
    with contextlib.ExitStack() as making:
        mirror = making.enter_context(scratch_folder("read"))
        for database in (store.optuna_db, home / _RECORD):
            why = _why_unreadable(database)
            if why and database == store.optuna_db and not elsewhere:
                raise _unreadable("The storage of studies", database, why)
            if not why and database.is_file():
                _copy(database, mirror / database.name)
        for name in _FOLDERS:
            if (home / name).is_dir():
                (mirror / name).symlink_to(home / name)
        atexit.register(making.pop_all().close)
    _MIRRORS[mirror] = home
    if store.is_own:
        return Store(mirror, sqlite_address(mirror / _RECORD) if store.is_named else None)
    return Store(mirror, store.tracking_uri)


def _why_unreadable(path: Path) -> str:
    """Why this user may not read a database; empty where that is allowed, or there is none."""
    try:
        for part in (path, path.with_name(f"{path.name}-wal")):
            if part.is_file():
                part.open("rb").close()
    except PermissionError as error:
        return error.strerror or str(error)
    return ""


def _unreadable(what: str, path: Path, why: str) -> TrackingError:
    return TrackingError(
        f"{what} must be a file that this user may read, but {path} is not ({why}). Have its owner "
        "allow that, or read a copy of the home that is yours."
    )


def _copy(database: Path, target: Path) -> None:
    """Copy a database, whole even while another process writes to it.

    Where SQLite cannot even read it without writing beside it, nobody else writes to it either, and
    its files are copied as they are.
    """
    try:
        copy_whole(database, target)
    except sqlite3.Error:
        for end in ("", "-wal"):
            part = database.with_name(f"{database.name}{end}")
            if part.is_file():
                shutil.copyfile(part, target.with_name(f"{target.name}{end}"))
