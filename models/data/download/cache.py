"""Find the folder where fetched ratings are cached."""

from __future__ import annotations

import os
from pathlib import Path

CACHE_VARIABLE = "TRIALBOOK_CACHE"


def cache_folder() -> Path:
    """Return the cache folder: environment variable `TRIALBOOK_CACHE`, else the user's cache.

    Example:
        >>> os.environ["TRIALBOOK_CACHE"] = "ratings"
        >>> cache_folder().name
        'ratings'
    """
    override = os.environ.get(CACHE_VARIABLE)
    if override:
        return Path(override)
    from platformdirs import user_cache_dir

    return Path(user_cache_dir("trialbook"))
