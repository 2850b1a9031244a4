"""Files that a child leaves of a trial."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def write_config(folder: Path, config: Mapping[str, Any]) -> None:
    """Write what was built and how it was trained, as `config.json`."""
    (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
