"""Where compiled code is kept: a folder of the user's, one for each state of our functions.

Numba itself notices a change of a function's own file alone, so that the folder's name is a hash of
all of them and of Numba's version. The processor is part of Numba's own key.
"""

from __future__ import annotations

import hashlib
import os
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

    It is the user's cache folder, or `TRIALBOOK_CACHE`. Where neither can be written to, it is a
    folder for temporary files of this user's alone.
    """
    import numba

    for path in _folders():
        with suppress(OSError):
            path.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=path):
                numba.config.CACHE_DIR = str(path)
                return


def is_made() -> bool:
    """Whether all functions were compiled before, so that a process only loads them."""
    return any((path / _MADE).exists() for path in _folders())


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
