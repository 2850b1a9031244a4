"""Writes the files that a child leaves in a trial's folder."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def write_config(folder: Path, config: Mapping[str, Any]) -> None:
    """Write a trial's model and training configuration as `config.json`.

    Args:
        folder: The trial's folder.
        config: Plain values for JSON.
    """
    (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
