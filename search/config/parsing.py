"""Values of settings from the text of a command line; what is none raises a ValueError in words."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from typing import Any


def names(text: str) -> list[str]:
    """Names between commas.

    Example:
        >>> names("val_rmse, parameters")
        ['val_rmse', 'parameters']
    """
    return [name.strip() for name in text.split(",")]


def stages(text: str) -> list[list[float]]:
    """SHARE:EPOCHS between commas, as a study file would hold them.

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
    """A whole number as one; anything else as it is, for the setting's own rule.

    Example:
        >>> whole_or_text("4"), whole_or_text("auto")
        (4, 'auto')
    """
    return int(text) if text.isdecimal() else text


def options(texts: Sequence[str]) -> dict[str, Any]:
    """Each NAME=VALUE as a study file's table would hold it.

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
        except tomllib.TOMLDecodeError:
            values[name] = value
    return values
