"""The lock of a storage, which one thread of one process on any machine can hold at a time."""

from __future__ import annotations

import contextlib
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import OperationalError

from search.storage.claims.waiting import (
    Sought,
    Told,
    Waiting,
    holder_of_file,
    holder_on_server,
)
from search.storage.patience import StorageAway, state_of

_SILENT_S = 5.0
_HELD_S = 115.0
_STEP_S = 0.2
_GRACE_S = 0.5
"""How long a lock is waited for once someone asked to stop."""
_ENDED = ("55P03", "57014")
"""What PostgreSQL answers when `lock_timeout` is over, and when a statement was cancelled."""
_TOLD = Told()


class StillHeld(StorageAway):
    """Another process holds a lock, and nobody waits for it any longer.

    Someone asked to stop, or the process that waits is no study that runs.

    Example:
        >>> issubclass(StillHeld, StorageAway)
        True
    """


def _never() -> bool:
    return False


@contextlib.contextmanager
def file_lock(path: Path, is_over: Callable[[], bool] = _never) -> Iterator[None]:
    """Hold a lock that is a file.

    Whoever waits for it is told so after five seconds. A study that runs waits for as long as it
    takes, whoever else for at most two minutes.

    Args:
        path: The file; its folder is there.
        is_over: Whether someone asked to stop: then it is waited for half a second. A `Waiting`
            says more.

    Raises:
        StillHeld: Another process holds it.
    """
    lock = FileLock(path)

    def acquire(seconds: float, gives_up: Callable[[], bool]) -> bool:
        latest = time.monotonic() + seconds
        while not gives_up() and time.monotonic() < latest:
            with contextlib.suppress(Timeout):
                lock.acquire(timeout=_STEP_S)
                return True
        return False

    wait_for(acquire, Sought(str(path), lambda: holder_of_file(path)), is_over)
    try:
        yield
    finally:
        lock.release()


@contextlib.contextmanager
def server_lock(engine: Engine, name: str, is_over: Callable[[], bool] = _never) -> Iterator[None]:
    """Hold a lock of a PostgreSQL server, which ends with the connection that holds it.

    It is a lock of a transaction. One of a session may be granted at the moment at which its
    waiting is over, and then nobody would know that he holds it.

    Args:
        engine: The database.
        name: What is locked.
        is_over: As of `file_lock`.

    Raises:
        StillHeld: Another process holds it.
    """
    key = key_of(name)
    with engine.connect() as connection:
        wait_for(
            lambda seconds, gives_up: _ask(connection, key, seconds, gives_up),
            sought_on_server(engine, name),
            is_over,
        )
        try:
            yield
        finally:
            with contextlib.suppress(Exception):  # a connection that broke holds no lock
                connection.rollback()


def key_of(name: str) -> int:
    """The number by which PostgreSQL knows a lock.

    Args:
        name: What is locked.
    """
    return zlib.crc32(f"trialbook {name}".encode())


def sought_on_server(engine: Engine, name: str) -> Sought:
    """A lock of a PostgreSQL server, for `wait_for`.

    Args:
        engine: The database.
        name: What is locked.
    """
    key = key_of(name)
    return Sought(f"the storage's lock `{name}`", lambda: holder_on_server(engine, key))


def _ask(connection: Connection, key: int, seconds: float, gives_up: Callable[[], bool]) -> bool:
    """Ask a server for a lock, and wait for it; who waits keeps his place in the server's queue."""
    if connection.execute(text("SELECT pg_try_advisory_xact_lock(:key)"), {"key": key}).scalar():
        return True
    most = f"{max(1, round(1000 * seconds))}ms"
    wait = "SELECT set_config('lock_timeout', :most, true), pg_advisory_xact_lock(:key)"
    with _cancelled(connection, gives_up):
        try:
            connection.execute(text(wait), {"most": most, "key": key})
            return True
        except OperationalError as error:
            connection.rollback()
            if state_of(error) not in _ENDED:
                raise
    return False


@contextlib.contextmanager
def _cancelled(connection: Connection, gives_up: Callable[[], bool]) -> Iterator[None]:
    """Cancel what a connection waits for in the block, once nobody waits for it any more."""
    driver: Any = connection.connection.driver_connection
    is_answered = threading.Event()

    def watch() -> None:
        while not is_answered.wait(_STEP_S):
            if gives_up():
                with contextlib.suppress(Exception):  # it broke, which the block is told
                    driver.cancel()

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        is_answered.set()
        watcher.join()


def wait_for(
    acquire: Callable[[float, Callable[[], bool]], bool],
    sought: Sought,
    is_over: Callable[[], bool],
) -> None:
    """Wait for a lock: in silence for five seconds, then after a line.

    A study that runs waits on, as for a database that is away: that another process was stopped
    while it held the lock must end no study. Whoever else waits for two minutes.

    Args:
        acquire: Tries to get it for some seconds; returns whether it did, and gives up early once
            the function that it is given says so.
        sought: The lock.
        is_over: Whether someone asked to stop; a `Waiting` says more.

    Raises:
        StillHeld: Another process holds it.
    """
    waiting, began = Waiting.of(is_over), time.monotonic()

    def gives_up() -> bool:
        return time.monotonic() - began >= _GRACE_S and waiting()

    if not acquire(_SILENT_S, gives_up):
        if gives_up():
            raise _hurried(sought)
        _TOLD.begin(sought, waiting.say)
        try:
            while not acquire(_HELD_S, gives_up):
                if gives_up():
                    raise _hurried(sought)
                if not waiting.lasts:
                    raise _too_long(sought)
        finally:
            _TOLD.end(sought)
    _TOLD.got(sought, waiting.say)


def _hurried(sought: Sought) -> StillHeld:
    return StillHeld(
        f"A lock must be free for the study to be closed, but {sought.held()}. The same command "
        "goes on with the study."
    )


def _too_long(sought: Sought) -> StillHeld:
    return StillHeld(
        f"A lock must be free within {_SILENT_S + _HELD_S:.0f} s, but {sought.held()}. If it was "
        "stopped, let it go on or end it. Then give the same command again."
    )
