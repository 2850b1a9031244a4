"""The owner of a trial: the process that runs the trial, as host, process number and start time.

The start time tells a process from a later one that has got the same number.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from typing import Any

import psutil


def me() -> dict[str, Any]:
    """This process as an owner: host, process number, seconds since 1970 when it started."""
    return owner_of(os.getpid())


def owner_of(pid: int) -> dict[str, Any]:
    """A process of this machine as an owner, by its number."""
    started = psutil.Process(pid).create_time()
    return {"host": socket.gethostname(), "pid": pid, "started": started}


def named(owner: Mapping[str, Any]) -> str:
    """Name an owner in a message: "process 42 on HOST"."""
    return f"process {owner['pid']} on {owner['host']}"


def lives(owner: Mapping[str, Any]) -> bool:
    """Whether the owner still runs; a process of another machine counts as running."""
    return owner["host"] != socket.gethostname() or lives_here(owner)


def lives_here(owner: Mapping[str, Any]) -> bool:
    """Whether the owner is a process of this machine that still runs."""
    if owner.get("host") != socket.gethostname():
        return False
    try:
        process = psutil.Process(int(owner["pid"]))
        alive = process.status() != psutil.STATUS_ZOMBIE
        return alive and abs(process.create_time() - float(owner["started"])) < 1.0
    except psutil.NoSuchProcess:
        return False
