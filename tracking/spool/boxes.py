"""The boxes of a home's spool: which there are, whose processes live, what others left."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

from filelock import FileLock, Timeout

from tracking.spool.box import ABOUT, LOCK, PARTIAL, Box, removed_whole


def left_boxes(spool: Path, study: str | None = None) -> Iterator[Box]:
    """Take over the boxes whose processes are no more, the oldest first.

    Boxes that a process was making or deleting when it ended are deleted on the way.

    Args:
        spool: The folder of all boxes.
        study: Name of the study whose boxes are wanted; None for all.

    Example:
        >>> list(left_boxes(Path("mlruns") / "spool"))
        []
    """
    _sweep(spool)
    for path, own in known_boxes(spool):
        if study is not None and own != study:
            continue
        lock = FileLock(path / LOCK, timeout=0, thread_local=False)
        try:
            lock.acquire()
        except (Timeout, OSError):  # its process lives, or it was deleted just now
            continue
        if (path / ABOUT).is_file():
            yield Box(path, own, lock)
        else:  # it was deleted just now, and the lock made its folder anew
            shutil.rmtree(path, ignore_errors=True)
            lock.release()


def is_held(spool: Path, study: str, but: Path | None = None) -> bool:
    """Whether a living process has a box of a study.

    Args:
        spool: The folder of all boxes.
        study: Name of the study.
        but: A box that does not count.

    Example:
        >>> is_held(Path("mlruns") / "spool", "movies")
        False
    """
    for path, own in known_boxes(spool):
        if own != study or path == but:
            continue
        lock = FileLock(path / LOCK, timeout=0, thread_local=False)
        try:
            lock.acquire()
        except Timeout:
            return True
        except OSError:  # it was deleted just now
            continue
        lock.release()
    return False


def discard_left(spool: Path, study: str) -> None:
    """Delete what processes that are no more left of a study that is being deleted.

    Args:
        spool: The folder of all boxes.
        study: Name of the study.

    Example:
        >>> discard_left(Path("mlruns") / "spool", "movies")
    """
    for box in left_boxes(spool, study):
        removed_whole(box.path)
        box.release()


def known_boxes(spool: Path) -> Sequence[tuple[Path, str]]:
    """All boxes of a home, the oldest first, each with the name of its study."""
    found = []
    for about in spool.glob(f"*/{ABOUT}") if spool.is_dir() else ():
        if about.parent.suffix == PARTIAL or not (about.parent / "entries").is_dir():
            continue
        try:
            study = json.loads(about.read_text(encoding="utf-8"))["study"]
            found.append((about.stat().st_mtime, about.parent, str(study)))
        except (OSError, ValueError, TypeError, KeyError, RecursionError):
            continue  # deleted just now, or none of ours
    return [(path, study) for _, path, study in sorted(found)]


def _sweep(spool: Path) -> None:
    """Delete what is left of boxes that a process was making or deleting when it ended."""
    for path in spool.glob(f"*{PARTIAL}"):
        lock = FileLock(path / LOCK, timeout=0, thread_local=False)
        try:
            lock.acquire()
        except (Timeout, OSError):  # its process lives, or it is gone just now
            continue
        shutil.rmtree(path, ignore_errors=True)
        lock.release()
