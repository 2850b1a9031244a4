"""How a process waits for a lock: how long, whom it tells so, and who holds the lock meanwhile."""

from __future__ import annotations

import os
import socket
import sys
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Engine, text

from search.storage.claims.owner import named
from search.storage.server.connections import process_of

_LOCKS = Path("/proc/locks")
_KIND, _PID, _FILE = 1, 4, 5
"""Where a line of it says which kind of lock there is, which process has it, and on which file."""
_HELD = """
SELECT activity.pid, activity.application_name
FROM pg_locks AS locks JOIN pg_stat_activity AS activity USING (pid)
WHERE locks.locktype = 'advisory' AND locks.granted AND locks.objid::bigint = :key
  AND locks.database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""
SOMEBODY = "another process"


def _on_stderr(line: str) -> None:
    print(line, file=sys.stderr)


@dataclass(frozen=True, slots=True)
class Waiting:
    """How long a process waits for a lock; called, it says whether someone asked to stop.

    Attributes:
        is_over: Whether someone asked to stop.
        say: Told that this process waits, and that it goes on.
        lasts: Whether it waits for as long as the lock is held, as a study does that runs.

    Example:
        >>> Waiting(lambda: True)(), Waiting.of(lambda: False).lasts
        (True, False)
    """

    is_over: Callable[[], bool]
    say: Callable[[str], None] = _on_stderr
    lasts: bool = False

    def __call__(self) -> bool:
        """Whether someone asked to stop."""
        return self.is_over()

    @classmethod
    def of(cls, is_over: Callable[[], bool]) -> Waiting:
        """The way to wait that is given, or that of a command that is given when to stop.

        Args:
            is_over: Whether someone asked to stop, or a `Waiting`.
        """
        return is_over if isinstance(is_over, Waiting) else cls(is_over)


@dataclass(frozen=True, slots=True)
class Sought:
    """A lock that is waited for.

    Attributes:
        what: The lock in words.
        holder: Names the process that holds it; empty where that is not known.
    """

    what: str
    holder: Callable[[], str] = lambda: ""

    def held(self) -> str:
        """Who holds it, in words for a message."""
        return f"{self.holder() or SOMEBODY} holds {self.what}"


class Told:
    """Has a process say once that it waits for a lock, and once that it goes on.

    Threads: any number of them wait at once.
    """

    def __init__(self) -> None:
        """Nobody waits yet."""
        self._lock = threading.Lock()
        self._said: set[str] = set()
        self._waiting: Counter[str] = Counter()

    def begin(self, sought: Sought, say: Callable[[str], None]) -> None:
        """Note that a thread waits, and say so where no other has.

        Args:
            sought: The lock.
            say: Tells the user a line.
        """
        with self._lock:
            self._waiting[sought.what] += 1
            is_first = sought.what not in self._said
            self._said.add(sought.what)
        if is_first:
            whom = sought.holder() or SOMEBODY
            say(
                f"Waiting for {whom}, which holds {sought.what}. If it was stopped, let it go on "
                "or end it."
            )

    def end(self, sought: Sought) -> None:
        """Note that a thread waits no more.

        Args:
            sought: The lock.
        """
        with self._lock:
            self._waiting[sought.what] -= 1

    def got(self, sought: Sought, say: Callable[[str], None]) -> None:
        """Say that this process goes on, if it said that it waits and no thread waits any more.

        Args:
            sought: The lock, which a thread has now.
            say: Tells the user a line.
        """
        if sought.what not in self._said:  # as nearly always
            return
        with self._lock:
            is_last = sought.what in self._said and not self._waiting[sought.what]
            if is_last:
                self._said.discard(sought.what)
        if is_last:
            say("The lock is free: this process goes on.")


def holder_of_file(path: Path) -> str:
    """Name the process of this machine that holds a lock that is a file; empty if unknown.

    Args:
        path: The file.
    """
    try:
        about = path.stat()
        device = f"{os.major(about.st_dev):02x}:{os.minor(about.st_dev):02x}"
        lines = [line.split() for line in _LOCKS.read_text(encoding="ascii").splitlines()]
    except OSError:  # no Linux
        return ""
    held = ["FLOCK", f"{device}:{about.st_ino}"]  # "->" stands in the first place for who waits
    long = (line for line in lines if len(line) > _FILE)
    pid = next((line[_PID] for line in long if [line[_KIND], line[_FILE]] == held), None)
    return "" if pid is None else named({"pid": pid, "host": socket.gethostname()})


def holder_on_server(engine: Engine, key: int) -> str:
    """Name the process that holds a lock of a PostgreSQL server; empty if unknown.

    Args:
        engine: The database.
        key: The number of the lock.
    """
    try:
        with engine.connect() as connection:
            row = connection.execute(text(_HELD), {"key": key}).first()
    except Exception:  # who waits is told what he must know all the same
        return ""
    if row is None:
        return ""
    session, program = row
    return f"{process_of(program or '') or SOMEBODY} (the server's session {session})"
