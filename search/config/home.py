"""Where Trialbook's home is, where nobody names one."""

from __future__ import annotations

import os
from pathlib import Path


def home_folder(given: str | Path | None = None) -> Path:
    """The home folder: the one that is named, else that of TRIALBOOK_HOME, else `mlruns`.

    Args:
        given: What a caller named; None where it named none.
    """
    return Path(os.environ.get("TRIALBOOK_HOME") or "mlruns") if given is None else Path(given)
