"""The fork server: has the heavy libraries loaded, and forks a child wherever one is asked for.

Started as `python -P -m search.child.fork_server FD`, where FD is one end of a socket pair;
`search.executor.fork_client` holds the other. Loading takes seconds, a fork milliseconds. Children
are forked before TensorFlow has started its runtime, so that each starts its own. (The standard
library's fork server would import the user's main module in every child, and so run a script
without a guard again.)
"""

from __future__ import annotations

import gc
import importlib
import os
import socket
import sys
import tempfile
import threading
import traceback
import warnings

from search.child import main as child

FORK, WAIT = "f", "w"
REQUEST = 16  # bytes: what is asked for, and a process number or 0
REPLY = 32  # bytes: a process number and its exit code
_PRELOADED = ("search.child.ratings", "models.fast", "sklearn.model_selection", "pyarrow.csv")


def request(kind: str, pid: int = 0) -> bytes:
    """A request as it is sent: `FORK` with two descriptors beside it, or `WAIT` for a child."""
    return f"{kind}{pid:0{REQUEST - 1}}".encode("ascii")


def main(descriptor: int) -> None:
    """Fork children and tell how they ended, until the other end closes."""
    with socket.socket(fileno=descriptor) as asked:
        _preload()
        with tempfile.TemporaryDirectory(prefix="trialbook-", ignore_cleanup_errors=True) as folder:
            # Libraries leave files there (TensorFlow a module a graph), and children are killed.
            tempfile.tempdir = folder
            _serve(asked)


def _serve(asked: socket.socket) -> None:
    while True:
        received, descriptors, *_ = socket.recv_fds(asked, REQUEST, 2)
        if not received:
            return
        kind, pid = chr(received[0]), int(received[1:])
        if kind == WAIT:
            asked.sendall(f"{pid} {_exit_code(pid)}".ljust(REPLY).encode("ascii"))
            continue
        if _fork() == 0:
            asked.close()
            _be_child(*descriptors)
        for number in descriptors:
            os.close(number)


def _preload() -> None:
    loaded = threading.Event()
    watching = child.die_with_parent(loaded)
    for name in _PRELOADED:
        importlib.import_module(name)
    loaded.set()
    watching.join()
    gc.collect()
    gc.freeze()  # what is loaded stays shared: no child's collector writes to it


def _fork() -> int:
    with warnings.catch_warnings():
        # The threads that are there belong to libraries, wait for work and hold no lock.
        warnings.simplefilter("ignore", DeprecationWarning)
        return os.fork()


def _exit_code(pid: int) -> int:
    try:
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    except ChildProcessError:
        return 0


def _be_child(pipe: int, log: int) -> None:
    """Serve the study at the other end of the pipe; never returns."""
    code = 1
    try:
        for standard in (1, 2):
            os.dup2(log, standard)
        os.close(log)
        child.main(pipe)
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    main(int(sys.argv[1]))
    os._exit(0)  # taking TensorFlow down in order would take longer than anyone waits
