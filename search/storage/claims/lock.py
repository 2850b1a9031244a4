"""The lock of a storage, which one thread of one process on any machine can hold at a time."""

from __future__ import annotations

import contextlib
import sys
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

from filelock import FileLock, Timeout
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import OperationalError

from search.errors import SearchError
from search.storage.patience import state_of

_SILENT_S = 5.0
_HELD_S = 115.0
_STEP_S = 20.0
_TIMED_OUT = "55P03"
"""What PostgreSQL answers when `lock_timeout` is over."""


@contextlib.contextmanager
def file_lock(path: Path) -> Iterator[None]:
    """Hold a lock that is a file.

    Whoever waits for it is told so after five seconds, and waits for at most two minutes.

    Args:
        path: The file; its folder is there.

    Raises:
        SearchError: Another process holds it all the time.
    """
    lock = FileLock(path)

    def acquire(seconds: float) -> bool:
        try:
            lock.acquire(timeout=seconds)
        except Timeout:
            return False
        return True

    _acquire(acquire, str(path))
    try:
        yield
    finally:
        lock.release()


@contextlib.contextmanager
def server_lock(engine: Engine, name: str) -> Iterator[None]:
    """Hold a lock of a PostgreSQL server, which ends with the connection that holds it.

    It is a lock of a transaction. One of a session may be granted at the moment at which its
    waiting is over, and then nobody would know that he holds it.

    Args:
        engine: The database.
        name: What is locked.

    Raises:
        SearchError: Another process holds it all the time.
    """
    key = zlib.crc32(f"trialbook {name}".encode())
    with engine.connect() as connection:
        _acquire(lambda seconds: _ask(connection, key, seconds), f"the storage's lock `{name}`")
        try:
            yield
        finally:
            with contextlib.suppress(Exception):  # a connection that broke holds no lock
                connection.rollback()


def _ask(connection: Connection, key: int, seconds: float) -> bool:
    """Wait for a lock of the server; in steps, so that a Ctrl-C is heard meanwhile."""
    latest = time.monotonic() + seconds
    step_ms = max(100, round(1000 * min(seconds, _STEP_S)))  # who asks anew goes to the end
    while True:
        try:
            connection.execute(text(f"SET LOCAL lock_timeout = {step_ms}"))
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": key})
            return True
        except OperationalError as error:
            connection.rollback()
            if state_of(error) != _TIMED_OUT:
                raise
        if time.monotonic() > latest:
            return False


def _acquire(acquire: Callable[[float], bool], what: str) -> None:
    """Wait for a lock: in silence, then after a line, then no longer."""
    if acquire(_SILENT_S):
        return
    print(f"Waiting for another process, which holds {what}.", file=sys.stderr)
    if not acquire(_HELD_S):
        raise SearchError(
            f"A lock must be free within {_SILENT_S + _HELD_S:.0f} s, but another process holds "
            f"{what}. End it, and give the same command again."
        )
