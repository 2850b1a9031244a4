"""Children that are started one by one, where a process that has threads cannot be forked."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading

from search.child.messages import KERAS
from search.executor.starting import MODULE, Starter, end_group, environment


class Spawner(Starter):
    """Starts each child as a process of its own; it is called like a `ForkServer`.

    A child loads its libraries itself, which takes seconds where a fork takes milliseconds. On
    macOS libraries of the system do not survive a fork, so that all children are started so.

    Threads: several may use it.
    """

    def __init__(self, role: str = KERAS) -> None:
        """Start nothing yet.

        Args:
            role: `KERAS` or `ALONE`: which libraries the children load.
        """
        self._role = role
        self._owner = os.getpid()
        self._lock = threading.Lock()
        self._children: dict[int, subprocess.Popen[bytes]] = {}
        self._latest: subprocess.Popen[bytes] | None = None

    def fits(self) -> bool:
        """Whether this process made it; each child has the environment as it is by then."""
        return self._owner == os.getpid()

    def fork(self, pipe: int, log: int) -> None:
        """Start a child, and do not wait for it.

        Args:
            pipe: Descriptor of the child's end of its pipe; the caller may close it at once.
            log: Descriptor of the file that the child prints to.
        """
        child = subprocess.Popen(
            [sys.executable, "-P", "-m", MODULE, str(pipe), self._role, "child"],
            pass_fds=[pipe],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env=environment(),
        )
        with self._lock:
            self._children[child.pid] = self._latest = child

    def exit_code(self, pid: int) -> int | None:
        """Ask how a child ended; whatever it began is ended with it.

        Args:
            pid: The child's process number.

        Returns:
            Its exit code, or the number of the signal that ended it as a negative one; None while
            it lives.
        """
        with self._lock:
            child = self._children.get(pid)
        if child is None:
            return -signal.SIGKILL
        code = child.poll()
        if code is not None:
            with self._lock:
                self._children.pop(pid, None)
            end_group(pid)
        return code

    def failure(self) -> tuple[int, str]:
        """Say how the child ended that was started last and said no word; its log has the rest.

        Waits at most 10 seconds for its end.
        """
        if self._latest is None:
            return -signal.SIGKILL, ""
        try:
            return self._latest.wait(timeout=10), ""
        except subprocess.TimeoutExpired:
            return -signal.SIGKILL, ""
