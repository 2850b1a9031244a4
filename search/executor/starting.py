"""What all children of a study are started with, however they come about."""

from __future__ import annotations

import contextlib
import os
import signal
import sys

from search.errors import SearchError

MODULE = "search.child.fork_server"
LINGERS_S = 5.0
PAUSE_S = 0.005
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


def are_forked() -> bool:
    """Whether children are forked, as on Linux, or each started as a process of its own.

    Raises:
        SearchError: The system has neither, or the user named another way.
    """
    if sys.platform == "win32":
        raise SearchError(
            "Training needs Linux or macOS, but this is Windows. Use the Windows Subsystem for "
            "Linux (WSL 2); what shows and compares studies works here too."
        )
    usual = "spawn" if sys.platform == "darwin" else "fork"
    way = os.environ.get(STARTS) or usual
    if way not in ("fork", "spawn"):
        raise SearchError(f"`{STARTS}` must be fork or spawn, but is {way!r}. Leave it out.")
    return way == "fork"


def end_group(pid: int) -> None:
    """Kill a child and the processes that it began.

    Args:
        pid: The child's process number, which is its process group's too.
    """
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)
