"""How many cores this process may use: its affinity, and the CPU quota of its container."""

from __future__ import annotations

import math
import os
from pathlib import Path, PurePosixPath

_CGROUPS = Path("/sys/fs/cgroup")
_OWN = Path("/proc/self/cgroup")


def available_cores(cgroups: Path = _CGROUPS, own: Path = _OWN) -> int:
    """Count the cores that this process may use, at least 1.

    A container with a quota of 1.5 cores on a machine of 64 sees all 64 in its affinity, but is
    stopped for the rest of each period once it has used 1.5: it counts 2. A group's quota holds for
    the groups below it, so that the smallest of the own group and all its parents counts. Quotas
    are read as Linux has them in cgroup version 2 (`cpu.max`) and 1 (`cpu.cfs_quota_us`,
    `cpu.cfs_period_us`).

    Args:
        cgroups: Where the control groups are mounted.
        own: The file that names this process's group.
    """
    quotas = [_quota(cgroups / group) for group in ("", *_groups(own))]
    whole = [math.ceil(quota) for quota in quotas if quota is not None]
    has_affinity = hasattr(os, "sched_getaffinity")  # macOS has none
    cores = len(os.sched_getaffinity(0)) if has_affinity else os.cpu_count() or 1
    return max(1, min([cores, *whole]))


def _groups(own: Path) -> list[str]:
    """List the control groups of this process and their parents, relative to the mount folder."""
    try:
        lines = own.read_text(encoding="utf-8").splitlines()
    except OSError:
        return []
    parts = [line.split(":", 2) for line in lines if line.count(":") >= 2]
    named = [PurePosixPath(f"{controllers}{path}".lstrip("/")) for _, controllers, path in parts]
    named = [group for group in named if ".." not in group.parts]  # above what is mounted here
    above = [str(group) for name in named for group in (name, *name.parents)]
    return ["cpu", "cpu,cpuacct", *above]


def _quota(folder: Path) -> float | None:
    """Read the cores that a group may use on average; None without a quota."""
    try:
        quota, period = (folder / "cpu.max").read_text(encoding="utf-8").split()
    except (OSError, ValueError):
        try:
            quota = (folder / "cpu.cfs_quota_us").read_text(encoding="utf-8").strip()
            period = (folder / "cpu.cfs_period_us").read_text(encoding="utf-8").strip()
        except OSError:
            return None
    if not quota.isdigit() or not period.isdigit() or int(period) == 0:
        return None  # "max" or -1: none
    return int(quota) / int(period)
