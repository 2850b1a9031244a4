"""Opens Optuna's storage: `optuna.db` in the home folder, or another address."""

from __future__ import annotations

import logging
import re
import sqlite3
import sys
import time
import warnings
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from textwrap import shorten
from typing import TypeVar

import optuna
from optuna.storages import RDBStorage
from sqlalchemy.engine import make_url
from sqlalchemy.exc import NoSuchModuleError, SQLAlchemyError

from search.errors import USER_ERRORS, SearchError, of_disk
from search.storage.claims.lock import file_lock, server_lock
from search.storage.internals import engine_of, ping_idle
from search.storage.patience import PatientStorage, StorageAway, lost
from search.storage.reading.trials import PlainStorage
from tracking import (
    Store,
    backed_up,
    revision_at,
    sqlite_path,
    steps_of,
    with_driver,
    without_password,
)
from tracking.addresses import refused_password

_ANSWERS_WITHIN_S = 30.0
_TRIES_EVERY_S = 0.5
_ABSENT = (
    "refused", "No such file", "timeout", "timed out", "closed the connection", "reset by peer",
    "Can't connect",
)  # fmt: skip
"""What is said of a server that may be started soon: before there is a connection, drivers tell no
state."""
_BUSY = (
    "starting up", "shutting down", "recovery mode", "not yet accepting", "too many clients",
    "connection slots are reserved",
)  # fmt: skip
"""What a server says that is there and takes nobody now. All else that it says is for good."""
_Opened = TypeVar("_Opened")
_BUSY_S = 600
"""So long a process waits for SQLite's lock; one that was stopped may hold it meanwhile."""
_TRIES = 20
_PAUSE_S = 0.25
_IN_MEMORY = (".", ":memory:")
_POOL = 8
"""Connections that stay open; each thread that works at the same moment has one."""
# What a database says to one of two programs that make its tables at the same moment.
_RACES = ("already exists", "UNIQUE constraint", "duplicate key", "is locked")


def open_storage(
    store: Store,
    url: str | None,
    is_over: Callable[[], bool] = lambda: False,
    say: Callable[[str], None] = lambda text: None,
) -> optuna.storages.BaseStorage:
    """Open the storage of studies, or create it; several processes may do so at once.

    Args:
        store: Gives the home folder.
        url: Address of another storage; None for `optuna.db` in the home folder.
        is_over: Whether someone asked to stop.
        say: Told that a file of an earlier Optuna was upgraded, and where the backup is.

    Raises:
        StorageAway: A server does not answer within half a minute.
        SearchError: There can be none, its tables are of another Optuna, or a disk is full or hurt.
    """
    address = with_driver(url or store.optuna_uri)
    shown = _checked(address, store)
    optuna.logging.set_verbosity(optuna.logging.WARNING)

    def upgraded() -> optuna.storages.BaseStorage:
        with home_lock(store, is_over), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            _upgrade(address, say)
            return _open(address)

    try:
        make_url(address).get_dialect()  # before anything is written
        return _once_it_answers(upgraded, shown, is_over)
    except USER_ERRORS:
        raise
    except (SQLAlchemyError, sqlite3.Error, ValueError, RuntimeError, ImportError) as error:
        is_elsewhere = url is not None and "not a database" in str(error)  # the address is wrong
        known = None if is_elsewhere else of_disk(error, store.home, file=sqlite_path(address))
        raise known or _refusal(error, address) from error


def is_there(store: Store, url: str | None) -> bool:
    """Whether there is a storage at an address, or in the home; a server is not asked."""
    path = store.optuna_db if url is None else sqlite_path(url)
    return path is None or str(path) in _IN_MEMORY or (path.exists() and path.stat().st_size > 0)


def _checked(address: str, store: Store) -> str:
    """An address as it may be shown, or a refusal before anything is done."""
    if why := refused_password(address):
        raise SearchError(f"`storage` {why}.")
    shown = without_password(address)
    if address == store.tracking_uri:
        raise SearchError(
            f"`storage` and `tracking_uri` must be two databases, but both are {shown}."
        )
    path = None if address == store.optuna_uri else sqlite_path(address)
    if path is not None and not path.parent.is_dir():
        raise SearchError(
            f"`storage` must be a file in a folder that is there, but got {shown}. Make the "
            "folder, or correct the address."
        )
    return shown


def _refusal(error: Exception, address: str) -> SearchError:
    shown = without_password(address)
    known = "an address begins with postgresql://, mysql:// or sqlite:///"
    line = known if isinstance(error, NoSuchModuleError) else _said(error).replace(address, shown)
    return SearchError(
        f"`storage` must be a database that Optuna can open, but {shown} is not: {line}."
    )


def _said(error: Exception) -> str:
    """What a database or its driver said, in a line."""
    return shorten(without_password(_text_of(error)), 200, placeholder=" …").rstrip(".")


def _text_of(error: BaseException) -> str:
    """What a database or its driver said, without what SQLAlchemy adds."""
    return str(getattr(error, "orig", None) or error)


def _once_it_answers(
    call: Callable[[], _Opened], shown: str, is_over: Callable[[], bool] = lambda: False
) -> _Opened:
    """Connect to a database; where its server is not there yet, or no more, wait half a minute.

    Args:
        call: Connects; it may be called again after it was done in part.
        shown: The database's address for messages.
        is_over: Whether someone asked to stop.

    Raises:
        StorageAway: The server is not there.
        Exception: What the call raises otherwise.
    """
    began, is_told = time.monotonic(), False
    while True:
        try:
            return call()
        except Exception as error:
            if not (lost(error) and _may_come(error)):
                raise
            if is_over() or time.monotonic() - began > _ANSWERS_WITHIN_S:
                raise StorageAway(
                    f"`storage` must be a database that answers, but {shown} does not: "
                    f"{_said(error)}. Start its server and give the same command again, or correct "
                    "the address."
                ) from error
            if not is_told:
                print(f"Waiting for {shown}, which does not answer.", file=sys.stderr)
        is_told = True
        time.sleep(_TRIES_EVERY_S)


def _may_come(error: Exception) -> bool:
    """Whether a server that could not be connected to may soon be there."""
    cause = error.__cause__ if isinstance(error.__cause__, SQLAlchemyError) else error
    text = re.sub('"[^"]*"', "", _text_of(cause))  # without names and paths
    # Of several addresses of a host one may refuse, and one have a server that says more.
    known = _BUSY if "FATAL" in text else (*_BUSY, *_ABSENT)
    return any(words in text for words in known)


def _open(address: str) -> optuna.storages.BaseStorage:
    """Open Optuna's storage; try again while another program creates the tables of its database."""
    on_server = make_url(address).get_backend_name() != "sqlite"
    for tried in range(1, _TRIES + 1):
        try:
            _write_ahead(address)
            if on_server:
                opened = PatientStorage(_pattern(address), {"pool_size": _POOL, "max_overflow": -1})
                ping_idle(opened.engine)
                return opened
            connect = {"connect_args": {"timeout": _BUSY_S}}
            return PlainStorage(_pattern(address), engine_kwargs=connect)
        except (SQLAlchemyError, sqlite3.Error) as error:
            if tried == _TRIES or not any(words in str(error) for words in _RACES):
                raise
            time.sleep(_PAUSE_S)
    raise AssertionError("the last try raises")


def _upgrade(address: str, say: Callable[[str], None]) -> None:
    """Upgrade a file with the tables of an earlier Optuna, after a backup, before it is opened.

    Raises:
        SearchError: The tables are of a later one; or they are on a server, where others may use
            them with the Optuna that they have, and of which no backup is made from here.
    """
    steps, own = steps_of("optuna", "storages/_rdb/alembic/versions"), revision_at(address)
    if own is None or own == steps[0]:
        return
    shown, path = without_password(address), sqlite_path(address)
    told = f"`storage` must have the tables of the installed Optuna, but those of {shown} are of "
    if own not in steps:
        raise SearchError(f"{told}a later one. Install that, or name another storage.")
    if path is None:
        raise SearchError(
            f"{told}an earlier one. Back the database up and run "
            f"`optuna storage upgrade --storage {shown}`."
        )
    backup, root, silent = backed_up(path, steps[0]), logging.getLogger(), logging.NullHandler()
    root.addHandler(silent)  # else Optuna sets up this process's logging for Alembic
    try:
        old = RDBStorage(_pattern(address), skip_compatibility_check=True)
        old.upgrade()
        old.engine.dispose()
    finally:
        root.removeHandler(silent)
    say(f"Optuna's tables were of an earlier version, and are upgraded. Before: {backup}")


def _pattern(address: str) -> str:
    """An address as Optuna takes it: for a pattern, in which braces have a meaning."""
    return address.replace("{", "{{").replace("}", "}}")


def home_lock(
    store: Store, is_over: Callable[[], bool] = lambda: False
) -> AbstractContextManager[None]:
    """Hold the lock of a home folder, which one thread of one process can hold at a time.

    Args:
        store: Gives the home folder; it is made where it is missing.
        is_over: Whether someone asked to stop.

    Raises:
        StillHeld: Another process holds it, and someone asked to stop.
        SearchError: Another process holds it for two minutes.
    """
    store.make_folders()
    return file_lock(store.home / ".optuna.lock", is_over)


def storage_lock(
    storage: optuna.storages.BaseStorage,
    store: Store,
    name: str = "optuna",
    is_over: Callable[[], bool] = lambda: False,
) -> AbstractContextManager[None]:
    """Hold a lock of a storage, which all who use that storage share, from any home.

    PostgreSQL keeps the lock itself. On SQLite it is a file beside the database, since there all
    are on one machine.

    Args:
        storage: The storage.
        store: Gives the home folder, whose lock stands in for that of a storage that has none.
        name: Which lock; a storage has several. Files tell names apart by their first word only.
        is_over: Whether someone asked to stop.

    Raises:
        StillHeld: Another process holds it, and someone asked to stop.
        SearchError: Another process holds it for two minutes.
    """
    engine = engine_of(storage)
    if engine is not None and engine.dialect.name == "postgresql":
        return server_lock(engine, name, is_over)
    path = store.optuna_db
    if engine is not None and engine.dialect.name == "sqlite":
        named = engine.url.database
        path = Path(named) if named and named != ":memory:" else path
    store.make_folders()
    end = "lock" if name == "optuna" else f"{name.split()[0]}.lock"
    return file_lock(path.with_name(f".{path.stem}.{end}"), is_over)


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
