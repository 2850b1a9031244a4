"""Who runs a trial: a process of a machine, told apart from a later one with the same number."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from typing import Any

import psutil

OWNER = "trialbook:owner"


def me() -> dict[str, Any]:
    """This process as an owner: host, process number, seconds since 1970 when it started."""
    process = psutil.Process()
    return {"host": socket.gethostname(), "pid": os.getpid(), "started": process.create_time()}


def lives(owner: Mapping[str, Any]) -> bool:
    """Whether the owner still runs; one on another machine is taken to live."""
    return owner["host"] != socket.gethostname() or lives_here(owner)


def lives_here(owner: Mapping[str, Any]) -> bool:
    """Whether the owner still runs, on this machine."""
    if owner.get("host") != socket.gethostname():
        return False
    try:
        process = psutil.Process(int(owner["pid"]))
        alive = process.status() != psutil.STATUS_ZOMBIE
        return alive and abs(process.create_time() - float(owner["started"])) < 1.0
    except psutil.NoSuchProcess:
        return False
