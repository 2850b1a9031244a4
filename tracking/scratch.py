"""Folders for temporary files, and those that killed processes have left."""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

_PREFIX = "trialbook-"
_LOCK = "in-use"
_FILES = "files"

_swept: set[Path] = set()
"""Where this process has looked already for what others left."""


@contextlib.contextmanager
def scratch_folder(kind: str) -> Iterator[Path]:
    """Have a folder for temporary files while the block runs; it is deleted afterwards.

    A lock beside it ends with this process and the children that were forked from it. So where the
    process is killed, the next process that makes such a folder deletes what was left.

    Args:
        kind: What it is for, as a part of its name.

    Yields:
        The folder, which is empty.

    Example:
        >>> with scratch_folder("example") as folder:
        ...     list(folder.iterdir())
        []
        >>> folder.exists()
        False
    """
    place = Path(tempfile.gettempdir())
    if place not in _swept:
        _swept.add(place)
        sweep(place)
    prefix = f"{_PREFIX}{kind}-"
    with tempfile.TemporaryDirectory(prefix=prefix, ignore_cleanup_errors=True) as name:
        lock = _locked(Path(name))
        try:
            files = Path(name) / _FILES
            files.mkdir()
            yield files
        finally:
            # Deleted here and not only by the other block: without its lock it is nobody's.
            shutil.rmtree(name, ignore_errors=True)
            os.close(lock)


def sweep(place: Path) -> None:
    """Delete this user's scratch folders whose processes are no more; never raises.

    Args:
        place: Where they are. A folder without a lock of ours is left alone.
    """
    with contextlib.suppress(OSError, ImportError), os.scandir(place) as entries:
        for entry in entries:
            if entry.name.startswith(_PREFIX):
                with contextlib.suppress(OSError):  # in use, or another process deletes it now
                    _delete_unless_used(Path(entry.path))


def _locked(folder: Path) -> int:
    """Lock a new folder; return the descriptor that holds the lock.

    The file gets its name once it is locked, so that nobody ever finds it unlocked before.
    """
    making = folder / f"{_LOCK}.new"
    lock = os.open(making, os.O_CREAT | os.O_RDWR, 0o600)  # filelock does not share it with forks
    with contextlib.suppress(ImportError, OSError):  # without locks it is never swept
        import fcntl

        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        making.rename(folder / _LOCK)
    return lock


def _delete_unless_used(folder: Path) -> None:
    """Delete a folder of this user's if no process holds its lock.

    Raises:
        OSError: A process holds it, or it has none.
        ImportError: This system has no such locks.
    """
    import fcntl

    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        return
    lock = os.open(folder / _LOCK, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(folder, ignore_errors=True)
    finally:
        os.close(lock)
