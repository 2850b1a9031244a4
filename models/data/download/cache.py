"""Where fetched and cached ratings lie on this machine."""

from __future__ import annotations

import os
from pathlib import Path

CACHE_VARIABLE = "TRIALBOOK_CACHE"


def cache_folder() -> Path:
    """The folder of cached ratings: `TRIALBOOK_CACHE`, else the user's cache folder."""
    override = os.environ.get(CACHE_VARIABLE)
    if override:
        return Path(override)
    from platformdirs import user_cache_dir

    return Path(user_cache_dir("trialbook"))
