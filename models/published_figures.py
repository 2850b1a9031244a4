"""The figures published with the baseline, and whether ratings match them."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any


@cache
def load_published() -> dict[str, Any]:
    """The published figures."""
    path = Path(__file__).parent / "published.json"
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found
