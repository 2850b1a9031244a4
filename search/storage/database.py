"""Opens Optuna's storage: `optuna.db` in the home folder, or another address."""

from __future__ import annotations

import contextlib
import sqlite3
import sys
import time
import warnings
from collections.abc import Iterator
from textwrap import shorten

import optuna
from filelock import FileLock, Timeout
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError

from search.errors import SearchError
from tracking import Store, without_password

_BUSY_S = 60
_SILENT_S = 5.0
_HELD_S = 115.0
_TRIES = 20
_PAUSE_S = 0.25
# What a database says to one of two programs that make its tables at the same moment.
_RACES = ("already exists", "UNIQUE constraint", "duplicate key", "is locked")


def open_storage(store: Store, url: str | None) -> optuna.storages.BaseStorage:
    """Open the storage of studies, or create it; several processes may do so at once.

    Args:
        store: Gives the home folder.
        url: Address of another storage; None for `optuna.db` in the home folder.

    Raises:
        SearchError: The address is MLflow's own, or no storage can be opened there.
    """
    address = url or store.optuna_uri
    shown = without_password(address)
    if address == store.tracking_uri:
        raise SearchError(
            f"`storage` and `tracking_uri` must be two databases, but both are {shown}."
        )
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        make_url(address)  # before anything is written
        with home_lock(store), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return _open(address)
    except (SQLAlchemyError, sqlite3.Error, ValueError, RuntimeError, ImportError) as error:
        line = shorten(str(error).replace(address, shown), 200, placeholder=" …").rstrip(".")
        raise SearchError(
            f"`storage` must be a database that Optuna can open, but {shown} is not: {line}."
        ) from error


def _open(address: str) -> optuna.storages.BaseStorage:
    """Open Optuna's storage; try again while another program creates the tables of its database."""
    connect = {"timeout": _BUSY_S} if address.startswith("sqlite") else {}
    for tried in range(1, _TRIES + 1):
        try:
            _write_ahead(address)
            # Optuna takes the address for a pattern, in which braces have a meaning.
            pattern = address.replace("{", "{{").replace("}", "}}")
            return optuna.storages.RDBStorage(pattern, engine_kwargs={"connect_args": connect})
        except (SQLAlchemyError, sqlite3.Error) as error:
            if tried == _TRIES or not any(words in str(error) for words in _RACES):
                raise
            time.sleep(_PAUSE_S)
    raise AssertionError("the last try raises")


@contextlib.contextmanager
def home_lock(store: Store) -> Iterator[None]:
    """Hold the lock of a home folder, which one process can hold at a time.

    Whoever waits for it is told so after five seconds, and waits for at most two minutes.

    Raises:
        SearchError: Another process holds it all the time.
    """
    store.make_folders()
    path = store.home / ".optuna.lock"
    lock = FileLock(path)
    try:
        lock.acquire(timeout=_SILENT_S)
    except Timeout:
        print(f"Waiting for another process, which holds {path}.", file=sys.stderr)
        try:
            lock.acquire(timeout=_HELD_S)
        except Timeout as error:
            raise SearchError(
                f"The lock of a home must be free within {_SILENT_S + _HELD_S:.0f} s, but another "
                f"process holds {path}. End it, and give the same command again."
            ) from error
    try:
        yield
    finally:
        lock.release()


def _write_ahead(address: str) -> None:
    """Have SQLite log ahead of writing, so that readers and a writer do not wait for each other."""
    url = make_url(address)
    if url.get_backend_name() != "sqlite" or not url.database or url.database == ":memory:":
        return
    connection = sqlite3.connect(url.database, timeout=_BUSY_S)
    try:
        connection.execute("PRAGMA journal_mode=WAL")
    finally:
        connection.close()
