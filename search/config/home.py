"""Where Trialbook's home is, where nobody names one, and the way to a study's record."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # commands that need no study start without it
    from search.config.study import StudyConfig


def home_folder(given: str | Path | None = None) -> Path:
    """The home folder: the one that is named, else that of TRIALBOOK_HOME, else `mlruns`.

    Args:
        given: What a caller named; None where it named none.
    """
    return Path(os.environ.get("TRIALBOOK_HOME") or "mlruns") if given is None else Path(given)


def require_password(config: StudyConfig) -> None:
    """Check that the address of a study's record is not one without its password.

    Args:
        config: The study's settings, as stored.

    Raises:
        SearchError: The password was left out when the study was stored.
    """
    from search.errors import SearchError
    from tracking.addresses import without_password

    address = config.tracking_uri or ""
    if "***" in address and without_password(address) == address:
        raise SearchError(
            f"The record of `{config.name}` is at {address}, whose password is not stored. "
            "Name the address with `--tracking-uri`, or in TRIALBOOK_TRACKING_URI."
        )
