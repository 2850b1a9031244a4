"""A fork server's folder for temporary files, and those that killed ones have left."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

_PREFIX = "trialbook-"
_LOCK = "in-use"
_NEW_S = 60.0


@contextlib.contextmanager
def scratch_folder() -> Iterator[str]:
    """Have a folder for temporary files for as long as this process and its children live.

    It is deleted at the end of the block. Where the process is killed, the next one that makes such
    a folder a minute later deletes it: a lock in it, which forked children share, ends with the
    last of them.
    """
    import fcntl  # Windows has none, and whoever starts children imports this module

    _sweep(Path(tempfile.gettempdir()))
    with tempfile.TemporaryDirectory(prefix=_PREFIX, ignore_cleanup_errors=True) as folder:
        lock = os.open(Path(folder) / _LOCK, os.O_CREAT | os.O_RDWR)  # filelock does not share it
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield folder
        finally:
            os.close(lock)


def _sweep(place: Path) -> None:
    """Delete the folders of which no process holds the lock."""
    import fcntl

    for folder in place.glob(f"{_PREFIX}*"):
        lock = folder / _LOCK
        with contextlib.suppress(OSError):  # of another user; in use
            if abs(time.time() - lock.stat().st_mtime) > _NEW_S:
                with lock.open("rb") as file:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    shutil.rmtree(folder, ignore_errors=True)
