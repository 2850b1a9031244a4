"""Where compiled code is kept: a folder of the user's, one for each state of our functions.

Numba itself notices a change of a function's own file alone, so that the folder's name is a hash of
all of them and of Numba's version. The processor is part of Numba's own key. Numba reads it as
Python's pickles, which can run code: so a folder into which others can write is not taken.
"""

from __future__ import annotations

import atexit
import hashlib
import os
import shutil
import stat
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path

from models.data.download.cache import cache_folder

_MADE = "made"


def use_cache() -> None:
    """Tell Numba where to keep compiled code; call it before any function is declared.

    It is the user's cache folder, or `TRIALBOOK_CACHE`. Where that is somebody else's or cannot be
    written to, it is a folder for temporary files of this user's alone, at worst one of this
    process's.
    """
    import numba

    for path in _folders():
        with suppress(OSError):
            path.mkdir(parents=True, exist_ok=True)
            for folder in (path.parent, path):
                if _is_own(folder):
                    folder.chmod(0o700)
            if _is_private(path):
                with tempfile.TemporaryFile(dir=path):
                    numba.config.CACHE_DIR = str(path)
                    return
    numba.config.CACHE_DIR = tempfile.mkdtemp(prefix="trialbook-compiled-")
    atexit.register(_remove, Path(numba.config.CACHE_DIR), os.getpid())


def _remove(folder: Path, process: int) -> None:
    """Remove a folder at the end of the process that made it, not of those forked from it."""
    if os.getpid() == process:
        shutil.rmtree(folder, ignore_errors=True)


def _is_own(folder: Path) -> bool:
    """Whether it is a folder, not a link to one, and this user's."""
    found = folder.lstat()
    mine = not hasattr(os, "getuid") or found.st_uid == os.getuid()
    return stat.S_ISDIR(found.st_mode) and mine


def _is_private(folder: Path) -> bool:
    """Whether nobody but this user can write into a folder; one that is not there is not."""
    with suppress(OSError):
        others = stat.S_IWGRP | stat.S_IWOTH
        return _is_own(folder) and not (hasattr(os, "getuid") and folder.stat().st_mode & others)
    return False


def is_made() -> bool:
    """Whether all functions were compiled before, so that a process only loads them."""
    return any(_is_private(path) and (path / _MADE).exists() for path in _folders())


def note_made() -> None:
    """Note that all functions are compiled now."""
    import numba

    with suppress(OSError):
        (Path(numba.config.CACHE_DIR) / _MADE).touch()


def _folders() -> Iterator[Path]:
    """Where compiled code may be kept, the better place first."""
    own = f"trialbook-{os.getuid()}" if hasattr(os, "getuid") else "trialbook"
    for folder in (cache_folder(), Path(tempfile.gettempdir()) / own):
        yield folder / "compiled" / _state(Path(__file__).parent)


def _state(sources: Path) -> str:
    """A hash of our compiled functions' sources, of Numba's version and of Python's."""
    state = hashlib.sha256(f"{version('numba')} {sys.version_info[:2]}".encode())
    for path in sorted(sources.rglob("*.py")):  # what one calls in another is compiled into it
        state.update(path.read_bytes())
    return state.hexdigest()[:16]
