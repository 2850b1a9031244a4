"""Says how the ratings of now differ from those that a study was made on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def other_ratings(before: Mapping[str, Any] | None, now: Mapping[str, Any] | None) -> str:
    """Say in words how two sets of ratings differ, by their content hashes.

    Args:
        before: Fields of a `tracking.DatasetRecord`; None where there are none, as for a user's
            own model.
        now: The same of the other ratings.

    Returns:
        One clause with both hashes; empty where they are the same, or where one is None.

    Example:
        >>> old = {"content_hash": "1f" * 32, "profile": {"rows": 1500}}
        >>> new = {"content_hash": "2e" * 32, "profile": {"rows": 1499}}
        >>> other_ratings(old, new)
        "the ratings' hash was 1f1f1f1f1f1f…, now 2e2e2e2e2e2e… (1,500 rows then, 1,499 now)"
        >>> other_ratings(old, old)
        ''
    """
    if not before or not now or before["content_hash"] == now["content_hash"]:
        return ""
    return (
        f"the ratings' hash was {before['content_hash'][:12]}…, now {now['content_hash'][:12]}… "
        f"({before['profile']['rows']:,} rows then, {now['profile']['rows']:,} now)"
    )
