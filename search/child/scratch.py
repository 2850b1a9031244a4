"""A fork server's folder for temporary files, and those that killed ones have left."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout

_PREFIX = "trialbook-"
_LOCK = "in-use"
_NEW_S = 60.0


@contextlib.contextmanager
def scratch_folder() -> Iterator[str]:
    """Have a folder for temporary files for as long as this process and its children live.

    It is deleted at the end of the block. Where the process is killed, the next one that makes such
    a folder deletes it: a lock in it, which forked children share, ends with the last of them.
    """
    _sweep(Path(tempfile.gettempdir()))
    with (
        tempfile.TemporaryDirectory(prefix=_PREFIX, ignore_cleanup_errors=True) as folder,
        FileLock(Path(folder) / _LOCK),
    ):
        yield folder


def _sweep(place: Path) -> None:
    """Delete the folders of which no process holds the lock."""
    for folder in place.glob(f"{_PREFIX}*"):
        lock = folder / _LOCK
        with contextlib.suppress(OSError, Timeout):  # of another user; in use
            if lock.is_file() and abs(time.time() - lock.stat().st_mtime) > _NEW_S:
                with FileLock(lock, timeout=0):
                    shutil.rmtree(folder, ignore_errors=True)
