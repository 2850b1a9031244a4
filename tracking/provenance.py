"""Collects the code, packages and machine that a trial ran on as tags, and compares such tags."""

from __future__ import annotations

import functools
import json
import os
import platform
import subprocess
from collections.abc import Mapping
from pathlib import Path

from tracking.tags import Tag

_PACKAGES = (
    "trialbook",
    "tensorflow",
    "keras",
    "keras-tuner",
    "optuna",
    "mlflow",
    "numba",
    "numpy",
    "pandas",
    "scikit-learn",
)
_READABLE: dict[str, str] = {
    Tag.COMMIT: "commit",
    Tag.PYTHON: "Python",
    Tag.OS: "operating system",
    Tag.HARDWARE: "hardware",
    Tag.THREADS: "threads",
    Tag.DATA_HASH: "data",
}


def provenance() -> dict[str, str]:
    """Collect the code, packages and machine of this process as tags.

    It never fails: what cannot be found out is left out or called unknown. It is collected once
    a process.

    Returns:
        Tags by name: `trialbook.commit` (of the working directory's checkout, or of the
        package's; `-dirty` where tracked files are changed), `trialbook.python`,
        `trialbook.versions` (JSON), `trialbook.os`, `trialbook.hardware`.

    Example:
        >>> tags = provenance()
        >>> tags["trialbook.python"] == platform.python_version()
        True
        >>> "mlflow" in json.loads(tags["trialbook.versions"])
        True
    """
    return {str(tag): value for tag, value in _collect().items()}


def drift(then: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """Say in words what differs between two sets of tags from `provenance`.

    Args:
        then: Tags of a trial.
        now: Tags of this process.

    Returns:
        A line for each difference, packages first. A tag that one side lacks is no difference;
        a package that one side lacks is one.

    Example:
        >>> drift({"trialbook.threads": "2"}, {"trialbook.threads": "4", "trialbook.os": "Linux"})
        ['threads 2 then, 4 now']
    """
    lines = _package_drift(_versions(then), _versions(now))
    for tag, words in _READABLE.items():
        old, new = then.get(tag), now.get(tag)
        if old and new and old != new:
            lines.append(f"{words} {_short(tag, old)} then, {_short(tag, new)} now")
    return lines


def _package_drift(old: Mapping[str, str], new: Mapping[str, str]) -> list[str]:
    if not old or not new:
        return []
    lines = []
    for name in [*old, *(name for name in new if name not in old)]:
        before, after = old.get(name, "not recorded"), new.get(name, "not installed")
        if before != after:
            lines.append(f"{name} {before} then, {after} now")
    return lines


def _versions(tags: Mapping[str, str]) -> dict[str, str]:
    try:
        versions = json.loads(tags.get(Tag.VERSIONS, "{}"))
    except ValueError:
        return {}
    return {str(k): str(v) for k, v in versions.items()} if isinstance(versions, dict) else {}


def _short(tag: str, value: str) -> str:
    if tag not in (Tag.COMMIT, Tag.DATA_HASH):
        return value
    head, _, dirty = value.partition("-")
    return f"{head[:12]}-{dirty}" if dirty else head[:12]


@functools.cache
def _collect() -> Mapping[str, str]:
    tags: dict[str, str] = {
        Tag.PYTHON: platform.python_version(),
        Tag.VERSIONS: json.dumps(_installed()),
        Tag.OS: platform.platform(),
        Tag.HARDWARE: f"{_cpu()}, {_cores()} cores, {_memory()}",
    }
    commit = _commit(Path.cwd()) or _commit(Path(__file__).resolve().parent)
    return {**tags, Tag.COMMIT: commit} if commit else tags


def _installed() -> dict[str, str]:
    from importlib.metadata import PackageNotFoundError, version

    installed = {}
    for name in _PACKAGES:
        try:
            installed[name] = version(name)
        except PackageNotFoundError:
            continue
    return installed


def _commit(folder: Path) -> str:
    commit = _git(folder, "rev-parse", "HEAD")
    if not commit:
        return ""
    changed = _git(folder, "status", "--porcelain", "--untracked-files=no")
    return f"{commit}-dirty" if changed else commit


def _git(folder: Path, *arguments: str) -> str:
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments],
            capture_output=True,
            text=True,
            timeout=5,
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def _cpu() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return " ".join(line.partition(":")[2].split())
    except OSError:
        pass  # not Linux
    return platform.processor() or platform.machine() or "unknown processor"


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _memory() -> str:
    try:
        import psutil

        return f"{psutil.virtual_memory().total / 2**30:.1f} GiB memory"
    except Exception:  # a machine that hides it, or no psutil: not worth a failed trial
        return "unknown memory"
