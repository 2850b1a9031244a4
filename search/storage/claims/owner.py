"""A process as the owner of trials: where it runs, its number, and when it started.

What tells a process from a later one with its number is when it started, counted from the start of
the machine: the time of day may be set while the process runs.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from enum import Enum
from pathlib import Path
from typing import Any

import psutil

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_NAMESPACE = Path("/proc/self/ns/pid")
_STARTED_FIELD = 19
"""Of /proc/PID/stat, counted after the program's name: ticks from boot to the process's start."""


class Sight(Enum):
    """What this process can see of an owner."""

    ALIVE = "alive"
    GONE = "gone"
    UNSEEN = "unseen"
    """It runs, if it does, on another machine or in another container."""


def me() -> dict[str, Any]:
    """This process as an owner."""
    return owner_of(os.getpid())


def owner_of(pid: int) -> dict[str, Any]:
    """A process of this machine as an owner, by its number.

    Returns:
        `host`, `pid`, `started` (seconds from the start of the machine), `boot` (names the start
        of the machine) and `namespace` (the numbers that `pid` is one of).
    """
    return {
        "host": socket.gethostname(),
        "pid": pid,
        "started": _started_s(pid),
        "boot": boot(),
        "namespace": _namespace(),
    }


def boot() -> str:
    """A name of this start of the machine, which no later start has; containers share it."""
    try:
        return _BOOT_ID.read_text(encoding="ascii").strip()
    except OSError:  # no Linux
        return f"{socket.gethostname()} {psutil.boot_time():.0f}"


def _namespace() -> int:
    """Which numbers of processes this process sees; a container has its own."""
    try:
        return _NAMESPACE.stat().st_ino
    except OSError:  # no Linux: there is one
        return 0


def _started_s(pid: int) -> float:
    try:
        line = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        ticks = int(line.rpartition(")")[2].split()[_STARTED_FIELD])
        return ticks / os.sysconf("SC_CLK_TCK")
    except FileNotFoundError:
        created: float = psutil.Process(pid).create_time()
        return created - psutil.boot_time()


def named(owner: Mapping[str, Any]) -> str:
    """Name an owner in a message: "process 42 on HOST"."""
    return f"process {owner['pid']} on {owner['host']}"


def seen(owner: Mapping[str, Any]) -> Sight:
    """Look whether an owner still runs, as far as this process can see it.

    An owner of an earlier version does not say where it runs but for the name of its host.
    """
    if "boot" not in owner:
        here = owner.get("host") == socket.gethostname()
        return _look(owner, psutil.boot_time()) if here else Sight.UNSEEN
    if owner["boot"] != boot() or owner["namespace"] != _namespace():
        return Sight.UNSEEN
    return _look(owner, 0.0)


def _look(owner: Mapping[str, Any], counted_from: float) -> Sight:
    """Look for a process among those of this machine.

    Args:
        owner: The process.
        counted_from: When the seconds of `started` are counted from, in seconds after the start of
            the machine.
    """
    try:
        pid = int(owner["pid"])
        ended = psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
        same = abs(_started_s(pid) + counted_from - float(owner["started"])) < 1.0
    except (psutil.NoSuchProcess, ProcessLookupError):
        return Sight.GONE
    return Sight.ALIVE if same and not ended else Sight.GONE
