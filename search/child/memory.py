"""Measures the peak memory of one trial, in a process that runs many."""

from __future__ import annotations

import ctypes
import ctypes.util
import gc
import sys
from pathlib import Path


def reset_peak_memory() -> None:
    """Give free memory back to the system and start the high-water mark anew (Linux)."""
    gc.collect()
    try:
        ctypes.CDLL(ctypes.util.find_library("c")).malloc_trim(0)
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    except (OSError, AttributeError):
        return


def peak_memory_mb() -> float:
    """Highest resident memory of this process since the last reset, in MB of 10^6 bytes.

    Where the system has no high-water mark to reset, it is the process's own since its start.
    """
    since_reset = peak_memory_of_mb("self")
    if since_reset is not None:
        return since_reset
    import resource  # Windows has none, and whoever starts children imports this module

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e6 if sys.platform == "darwin" else peak * 1024 / 1e6


def peak_memory_of_mb(process: int | str) -> float | None:
    """Highest resident memory of a process since its last reset, in MB of 10^6 bytes.

    Args:
        process: Its number, or "self".

    Returns:
        None where the process is gone or the system does not say.
    """
    try:
        for line in Path(f"/proc/{process}/status").read_text(encoding="ascii").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024 / 1e6
    except OSError:
        pass
    return None
