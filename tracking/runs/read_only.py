"""Reads a home that cannot be written to, or is not there: by way of copies of its databases."""

from __future__ import annotations

import atexit
import contextlib
import os
import shutil
import sqlite3
from pathlib import Path

from tracking.addresses import sqlite_address
from tracking.runs.home.copies import copy_whole
from tracking.runs.store import Store
from tracking.scratch import scratch_folder

_FOLDERS = ("artifacts", "spool")


def to_read(store: Store, *, elsewhere: bool = False) -> Store:
    """A store to read a home from, which may be one that this process cannot write to.

    SQLite writes beside a database to read it. So where it cannot, the home's databases are copied
    into a temporary folder, which lasts as long as this process; the other folders are links. Such
    a folder also stands in for a home that is not there, which reading does not make.

    Args:
        store: The home, and MLflow's address.
        elsewhere: Whether what is read is not in the home, so that it need not be there.

    Returns:
        The store itself, where its home can be written to, or is not there and holds what is read.

    Raises:
        OSError: There is no room for the copies.

    Example:
        >>> store = Store(Path("mlruns"))
        >>> to_read(store) == store
        True
    """
    home = store.home
    is_read_only = home.is_dir() and not os.access(home, os.W_OK)
    if not (is_read_only or (elsewhere and not home.exists())):
        return store
    lasting = contextlib.ExitStack()
    mirror = lasting.enter_context(scratch_folder("read"))
    atexit.register(lasting.close)
    for database in (store.optuna_db, home / "mlflow.db"):
        if database.is_file():
            _copy(database, mirror / database.name)
    for name in _FOLDERS:
        if (home / name).is_dir():
            (mirror / name).symlink_to(home / name)
    if store.is_own:
        return Store(mirror, sqlite_address(mirror / "mlflow.db") if store.is_named else None)
    return Store(mirror, store.tracking_uri)


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
