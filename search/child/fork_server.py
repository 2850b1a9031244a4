"""The fork server: loads the heavy libraries once, and forks a child at each request.

Started as `python -P -m search.child.fork_server FD ROLE`, where FD is one end of a socket pair;
`search.executor.fork_client` holds the other. With `child` after ROLE it is a child itself, and FD
its pipe: so `search.executor.spawned` starts one where nothing can be forked.

ROLE says whether the children find Keras loaded. Loading it takes seconds, a fork milliseconds.
Children are forked before TensorFlow has started its runtime, so that each starts its own. (The
standard library's fork server would import the user's main module in every child, and so run a
script without a guard again.)
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import os
import signal
import socket
import sys
import tempfile
import threading
import traceback
import warnings
from collections.abc import Sequence

from search.child import main as child
from search.child.messages import ALONE, KERAS
from tracking.scratch import scratch_folder

FORK, STATE = "f", "s"
REQUEST = 16  # bytes: what is asked for, and a process number or 0
REPLY = 32  # bytes: a process number, and its exit code or `LIVES`
LIVES = "lives"
_OURS = "search.child.rating_models"
_PRELOADED = {
    KERAS: (f"{_OURS}.with_keras", "models.fast.trainer", "pyarrow.csv"),
    ALONE: (f"{_OURS}.alone", "pyarrow.csv"),
}


def request(kind: str, pid: int = 0) -> bytes:
    """Encode a request to the fork server in exactly `REQUEST` bytes.

    Args:
        kind: `FORK`, sent with two file descriptors (pipe, log), or `STATE`.
        pid: For `STATE`, the child's process number.

    Example:
        >>> request(STATE, 42)
        b's000000000000042'
    """
    return f"{kind}{pid:0{REQUEST - 1}}".encode("ascii")


def main(descriptor: int, role: str) -> None:
    """Serve requests until the other end of the socket closes.

    Args:
        descriptor: Our end of the socket pair.
        role: `KERAS` or `ALONE`: which libraries the children find loaded.
    """
    with socket.socket(fileno=descriptor) as requests:
        _preload(_PRELOADED[role])
        with scratch_folder("server") as folder:
            # Libraries leave files there (TensorFlow a module a graph), and children are killed.
            tempfile.tempdir = str(folder)
            _serve(requests)


def _serve(requests: socket.socket) -> None:
    """Fork a child or tell the state of one, request after request."""
    while True:
        received, descriptors, *_ = socket.recv_fds(requests, REQUEST, 2)
        if not received:
            return
        kind, pid = chr(received[0]), int(received[1:])
        if kind == STATE:
            requests.sendall(f"{pid} {_state(pid)}".ljust(REPLY).encode("ascii"))
            continue
        if _fork() == 0:
            requests.close()
            _be_child(*descriptors)
        for number in descriptors:
            os.close(number)


def _preload(names: Sequence[str]) -> None:
    """Import what every child needs; end this process if its parent ends during the import."""
    loaded = threading.Event()
    watching = child.die_with_parent(loaded)
    for name in names:
        importlib.import_module(name)
    importlib.import_module("models.compiled.warm_up").warm_up()
    loaded.set()
    watching.join()
    gc.collect()
    gc.freeze()  # what is loaded stays shared: no child's collector writes to it


def _fork() -> int:
    """Fork this process; return the child's process number, or 0 in the child itself."""
    with warnings.catch_warnings():
        # The threads that are there belong to libraries, wait for work and hold no lock.
        warnings.simplefilter("ignore", DeprecationWarning)
        return os.fork()


def _state(pid: int) -> str:
    """Tell a child's exit code, a negative one being the signal that ended it, or that it lives.

    The processes that an ended child began are ended with it.
    """
    try:
        ended, status = os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        return "0"
    if not ended:
        return LIVES
    with contextlib.suppress(ProcessLookupError, PermissionError):  # most begin none
        os.killpg(pid, signal.SIGKILL)
    return str(os.waitstatus_to_exitcode(status))


def _be_child(pipe: int, log: int) -> None:
    """Run as a child until its pipe closes; never returns.

    It leads a process group, so that the processes that it begins can be ended with it.
    """
    code = 1
    try:
        os.setpgid(0, 0)
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
        if code == 0:  # nobody is left to ask how it ended
            child.end_group()
        os._exit(code)


def be_spawned(pipe: int, role: str) -> None:
    """Be a child that was started and not forked: load the libraries, and serve the pipe.

    Args:
        pipe: The child's end of its pipe.
        role: `KERAS` or `ALONE`: which libraries are loaded ahead.
    """
    with scratch_folder("child") as folder:
        tempfile.tempdir = str(folder)
        _preload(_PRELOADED[role])
        child.main(pipe)


if __name__ == "__main__":
    serve = be_spawned if sys.argv[3:] == ["child"] else main
    serve(int(sys.argv[1]), sys.argv[2])
    os._exit(0)  # taking TensorFlow down in order would take longer than anyone waits
