"""What all children of a study are started with, however they come about."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from abc import ABC, abstractmethod

from search.errors import SearchError

MODULE = "search.child.fork_server"
_LINGERS_S = 5.0
_PAUSE_S = 0.005
STARTS = "TRIALBOOK_CHILDREN"
"""The environment variable that says how children come about: "fork" or "spawn"."""


def environment(device: int | None = None) -> dict[str, str]:
    """A child's environment variables: this process's, plus settings of TensorFlow and Keras.

    Args:
        device: The only GPU that TensorFlow may see there; None for all.
    """
    # oneDNN multiplies matrices faster on every x86; TensorFlow uses it on some by itself.
    inherited = {"TF_ENABLE_ONEDNN_OPTS": "1"} | os.environ
    needed = {"TF_CPP_MIN_LOG_LEVEL": "2", "KERAS_BACKEND": "tensorflow"}
    if device is None:
        return inherited | needed
    visible = inherited.get("CUDA_VISIBLE_DEVICES", "").split(",")  # a user's own choice of devices
    chosen = visible[device] if device < len(visible) and visible[device] else str(device)
    return inherited | needed | {"CUDA_VISIBLE_DEVICES": chosen}


def require_children() -> None:
    """Refuse a system that can start no children, before anything is read or written for them.

    Raises:
        SearchError: It is Windows.
    """
    if sys.platform == "win32":
        raise SearchError(
            "Training needs Linux or macOS, but this is Windows. Use the Windows Subsystem for "
            "Linux (WSL 2); what shows and compares studies works here too."
        )


def are_forked() -> bool:
    """Whether children are forked, as on Linux, or each started as a process of its own.

    Raises:
        SearchError: The system can start none, or the user named another way.
    """
    require_children()
    usual = "spawn" if sys.platform == "darwin" else "fork"
    way = os.environ.get(STARTS) or usual
    if way not in ("fork", "spawn"):
        raise SearchError(f"`{STARTS}` must be fork or spawn, but is {way!r}. Leave it out.")
    return way == "fork"


class Starter(ABC):
    """Starts children of one role, and knows how they ended."""

    @abstractmethod
    def fits(self) -> bool:
        """Whether it can start children for this process as the process is now."""

    @abstractmethod
    def fork(self, pipe: int, log: int) -> None:
        """Start a child, and do not wait for it.

        Args:
            pipe: Descriptor of the child's end of its pipe; the caller may close it at once.
            log: Descriptor of the file that the child prints to; likewise.
        """

    @abstractmethod
    def exit_code(self, pid: int) -> int | None:
        """Ask how a child ended; whatever it began is ended with it.

        Call it no more once it has told the end of a child.

        Args:
            pid: The child's process number.

        Returns:
            Its exit code, or the number of the signal that ended it as a negative one; None while
            it lives.
        """

    @abstractmethod
    def failure(self) -> tuple[int, str]:
        """Say why no child came: an exit code, and what was printed; waits at most 10 seconds."""

    def wait(self, pid: int) -> int:
        """Wait until a child has ended that was killed or closed its pipe.

        One that closed its pipe and yet goes on is killed after five seconds.

        Args:
            pid: The child's process number.

        Returns:
            Its exit code; the number of the signal that ended it as a negative one.
        """
        latest = time.monotonic() + _LINGERS_S
        while (code := self.exit_code(pid)) is None:
            if time.monotonic() > latest:
                end_group(pid)
            time.sleep(_PAUSE_S)
        return code


def end_group(pid: int) -> None:
    """Kill a child and the processes that it began.

    Args:
        pid: The child's process number, which is its process group's too.
    """
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)
