"""The study's side of the fork servers: one server for all children of a role."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import weakref
from typing import IO

from search.child.fork_server import FORK, LIVES, REPLY, STATE, request
from search.child.messages import KERAS
from search.executor.spawned import Spawner
from search.executor.starting import MODULE, Starter, are_forked, environment

# Libraries read these when they are loaded: a fork server that saw others is of no use.
_READ_AT_LOADING = (
    "CUDA", "KERAS", "LD_", "MALLOC", "MKL", "OMP", "OPENBLAS", "PYTHON", "TF_", "XLA",
)  # fmt: skip
_ENDS_S = 0.5


class ForkServer(Starter):
    """Talks to the fork server, a process that forks children for this one; made by `start`.

    Who is responsible for what: the server loads the libraries once and forks; each child speaks
    with its own `Supervisor` through a pipe of its own. The children are the server's: it knows how
    they ended, and they end with it. It ends with this process, or once nothing refers to it.

    Threads: several threads may use it, and one request is under way at a time; each takes a
    fraction of a millisecond.

    Ownership: descriptors that are passed to `fork` stay the caller's. A process that was forked
    from this one may not use this one's server; `fits` says so.
    """

    def __init__(
        self, process: subprocess.Popen[bytes], asking: socket.socket, log: IO[bytes]
    ) -> None:
        """Keep the process, socket and log of a server that was just started.

        Args:
            process: The server's process.
            asking: Our end of the socket pair that it listens to.
            log: The file that it prints to.
        """
        self._process = process
        self._asking = asking
        self._log = log
        self._seen = _read_at_loading()
        self._owner = os.getpid()
        self._lock = threading.Lock()
        # At the end of this process nobody waits: the server ends by itself once its socket is
        # closed. Of two finalizers the one that was made last comes first.
        weakref.finalize(self, _wait, self._owner, process).atexit = False
        weakref.finalize(self, _hang_up, asking, log)

    @classmethod
    def start(cls, role: str = KERAS) -> ForkServer:
        """Start a server; it loads its libraries while the caller goes on.

        Args:
            role: `KERAS` or `ALONE`: which libraries its children find loaded.
        """
        asking, theirs = socket.socketpair()
        log = tempfile.TemporaryFile()  # noqa: SIM115 (lives as long as the server)
        with theirs:
            process = subprocess.Popen(
                [sys.executable, "-P", "-m", MODULE, str(theirs.fileno()), role],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                env=environment(),
            )
        return cls(process, asking, log)

    def fits(self) -> bool:
        """Whether the server can fork children for this process as the process is now.

        The server lives, this process started it, and the environment variables that libraries read
        when they are loaded have not changed since.
        """
        ours = self._owner == os.getpid()
        return ours and self._seen == _read_at_loading() and self._process.poll() is None

    def fork(self, pipe: int, log: int) -> None:
        """Ask the server to fork a child, and do not wait for the child.

        The server gets copies of both descriptors, so that the caller may close its own at once. If
        the server has ended, no child comes and nothing answers at the pipe's other end.

        Args:
            pipe: Descriptor of the child's end of its pipe.
            log: Descriptor of the file that the child prints to.
        """
        with self._lock, contextlib.suppress(ConnectionError):
            socket.send_fds(self._asking, [request(FORK)], [pipe, log])

    def exit_code(self, pid: int) -> int | None:
        """Ask how a child ended; whatever it began is ended with it.

        Call it no more once it has told the end of a child.

        Args:
            pid: The child's process number.

        Returns:
            Its exit code, or the number of the signal that ended it as a negative one; None while
            it lives.
        """
        with self._lock, contextlib.suppress(ConnectionError):
            self._asking.sendall(request(STATE, pid))
            while answer := self._asking.recv(REPLY):
                whose, state = answer.decode("ascii").split()
                if int(whose) == pid:  # else of a request that a Ctrl-C cut short
                    return None if state == LIVES else int(state)
        return -signal.SIGKILL  # its server is no more, and children end with it

    def failure(self) -> tuple[int, str]:
        """Say why no child came: the server's exit code, and what it printed.

        Waits at most 10 seconds for the server to end.
        """
        try:
            code = self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:  # it lives: the child itself ended before it said a word
            return -signal.SIGKILL, ""
        self._log.seek(0)
        return code, self._log.read().decode("utf-8", "replace")


def _hang_up(asking: socket.socket, log: IO[bytes]) -> None:
    """Close the socket and the log of a server."""
    asking.close()
    log.close()


def _wait(owner: int, process: subprocess.Popen[bytes]) -> None:
    """Wait for the end of a server whose socket is closed, and kill it after half a second.

    A process that did not start the server, such as a fork of the one that did, leaves it alone.
    """
    if owner != os.getpid():
        return
    try:  # once it has loaded its libraries it ends by itself, and takes its files with it
        process.wait(timeout=_ENDS_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


_servers: dict[str, Starter] = {}
_starting = threading.Lock()


def fork_server(role: str = KERAS) -> Starter:
    """What starts this process's children of a role; a new one if there is none that `fits`.

    Args:
        role: `KERAS` or `ALONE`: which libraries its children find loaded.

    Raises:
        SearchError: This system can start none.
    """
    with _starting:
        server, forked = _servers.get(role), are_forked()
        if server is None or not server.fits() or forked != isinstance(server, ForkServer):
            server = _servers[role] = ForkServer.start(role) if forked else Spawner(role)
        return server


def _read_at_loading() -> dict[str, str]:
    """The environment variables of this process that libraries read when they are loaded."""
    return {n: v for n, v in os.environ.items() if n.startswith(_READ_AT_LOADING)}
