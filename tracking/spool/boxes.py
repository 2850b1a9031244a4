"""The boxes of a home's spool: which there are, whose processes live, what others left.

Where a box does not say its study any more, since its `box.json` is damaged, its entries do.
"""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

from filelock import FileLock, Timeout

from tracking.errors import TrackingError
from tracking.spool.box import ABOUT, LOCK, PARTIAL, Box, Slip, removed_whole
from tracking.spool.entries import study_of

_PARTS = ("entries", "refused")
"""The folders of a box: what waits, and what MLflow refused."""


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
        if (path / "entries").is_dir():
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
    return next(_held(spool, study, but), None) is not None


def count_held(spool: Path, study: str) -> int:
    """Count the boxes of a study that living processes have.

    Args:
        spool: The folder of all boxes.
        study: Name of the study.

    Example:
        >>> count_held(Path("mlruns") / "spool", "movies")
        0
    """
    return sum(1 for _ in _held(spool, study, None))


def _held(spool: Path, study: str, but: Path | None) -> Iterator[Path]:
    """The boxes of a study that living processes have."""
    for path, own in known_boxes(spool):
        if own != study or path == but:
            continue
        lock = FileLock(path / LOCK, timeout=0, thread_local=False)
        try:
            lock.acquire()
        except Timeout:
            yield path
        except OSError:  # it was deleted just now
            continue
        else:
            lock.release()


def seen_slips(spool: Path, study: str) -> tuple[list[Slip], list[Slip]]:
    """Look at the entries of a study, which their processes may be delivering meanwhile.

    Args:
        spool: The folder of all boxes.
        study: Name of the study.

    Returns:
        Those that wait, and those that MLflow refused.

    Example:
        >>> seen_slips(Path("mlruns") / "spool", "movies")
        ([], [])
    """
    own = [path for path, named in known_boxes(spool) if named == study]
    waiting, refused = (
        [slip for path in own for slip in _slips_in(path / folder)] for folder in _PARTS
    )
    return waiting, refused


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
    for path in _folders(spool):
        if told := _read(path) or _by_entries(path):
            made, study = told
            found.append((made, path, study))
    return [(path, study) for _, path, study in sorted(found)]


def damaged_boxes(spool: Path) -> list[Path]:
    """The boxes with entries of which nobody can tell which study they are of.

    Args:
        spool: The folder of all boxes.

    Example:
        >>> damaged_boxes(Path("mlruns") / "spool")
        []
    """
    nameless = (each for each in _folders(spool) if not (_read(each) or _by_entries(each)))
    return sorted(path for path in nameless if _slips(path))


def _folders(spool: Path) -> Iterator[Path]:
    for entries in spool.glob("*/entries") if spool.is_dir() else ():
        if entries.is_dir() and entries.parent.suffix != PARTIAL:
            yield entries.parent


def _read(path: Path) -> tuple[float, str] | None:
    """When a box was made, and its study, as the box says."""
    about = path / ABOUT
    try:
        study = json.loads(about.read_text(encoding="utf-8"))["study"]
        return (about.stat().st_mtime, study) if isinstance(study, str) and study else None
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        return None  # deleted just now, none of ours, or damaged


def _by_entries(path: Path) -> tuple[float, str] | None:
    """When the first entry of a box was made that names a study, and that study."""
    for slip in _slips(path):
        with contextlib.suppress(TrackingError, OSError):
            if study := study_of(slip.read()):
                return slip.path.stat().st_mtime, study
    return None


def _slips(path: Path) -> list[Slip]:
    """The entries of a box that nobody has taken over, also those that were put aside."""
    return [slip for folder in _PARTS for slip in _slips_in(path / folder)]


def _slips_in(folder: Path) -> list[Slip]:
    """The entries in a folder of a box; none where it was deleted just now, or is not made yet."""
    try:
        found = sorted(folder.iterdir())
    except OSError:
        return []
    return [Slip(each) for each in found if each.suffix != PARTIAL and each.is_dir()]


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
