"""Parses settings from text on the command line; a wrong text raises a ValueError that says why."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from typing import Any


def names(text: str) -> list[str]:
    """Split a text at its commas into names.

    Example:
        >>> names("val_rmse, parameters")
        ['val_rmse', 'parameters']
    """
    return [name.strip() for name in text.split(",")]


def stages(text: str) -> list[list[float]]:
    """Parse "0.1:10,0.3:10", stages of growing row samples (SHARE:EPOCHS), into a list.

    Example:
        >>> stages("0.1:15,0.3:15")
        [[0.1, 15], [0.3, 15]]
    """
    try:
        pairs = [stage.split(":") for stage in text.split(",")]
        return [[float(share), int(epochs)] for share, epochs in pairs]
    except ValueError:
        raise ValueError(
            f"it must be SHARE:EPOCHS between commas, say 0.1:15,0.3:15, but got {text!r}."
        ) from None


def whole_or_text(text: str) -> int | str:
    """Convert a text of digits to an integer; leave other texts for the setting's rule to check.

    Example:
        >>> whole_or_text("4"), whole_or_text("auto")
        (4, 'auto')
    """
    return int(text) if text.isdecimal() else text


def options(texts: Sequence[str]) -> dict[str, Any]:
    """Parse texts NAME=VALUE into a dict, the same as a table in a study file.

    Example:
        >>> options(["multivariate=false", "qmc_type=halton"])
        {'multivariate': False, 'qmc_type': 'halton'}
    """
    values: dict[str, Any] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise ValueError(f"it must be NAME=VALUE, but got {text!r}.")
        try:
            values[name] = tomllib.loads(f"value = {value}")["value"]
        except (ValueError, RecursionError):
            values[name] = value
    return values
