"""Where compiled code is kept: a folder of the user's, one for each state of our functions.

Numba itself notices a change of a function's own file alone, so that the folder's name is a hash of
all of them and of Numba's version. The processor is part of Numba's own key.
"""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

import numba

from models.data.download.cache import cache_folder


def use_cache() -> None:
    """Tell Numba where to keep compiled code; call it before any function is declared.

    It is the user's cache folder, or `TRIALBOOK_CACHE`. Where neither can be written to, it is a
    folder for temporary files of this user's alone.
    """
    own = f"trialbook-{os.getuid()}" if hasattr(os, "getuid") else "trialbook"
    for folder in (cache_folder(), Path(tempfile.gettempdir()) / own):
        path = folder / "compiled" / _state()
        with suppress(OSError):
            path.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=path):
                numba.config.CACHE_DIR = str(path)
                return


def _state() -> str:
    """A hash of our compiled functions' sources, of Numba's version and of Python's."""
    state = hashlib.sha256(f"{numba.__version__} {sys.version_info[:2]}".encode())
    for path in sorted(Path(__file__).parent.glob("*.py")):
        state.update(path.read_bytes())
    return state.hexdigest()[:16]
