"""Decide whether the fast trainer takes the options that Keras' `fit` is given."""

from __future__ import annotations

from typing import Any

import numpy as np

from models.fast.stock_fit import DEFAULTS

BATCH_SIZE = 32  # Keras' own where none is given

_TAKEN = ("epochs", "callbacks", "validation_data")


def why_not_options(options: dict[str, Any]) -> str | None:
    """Say which of the options of Keras' `fit` the fast trainer cannot follow; None if it can all.

    A validation batch size has no effect where loss and metrics are means over rows, so any that
    Keras takes is taken.

    Args:
        options: By the names of Keras' `fit`.
    """
    for name, value in options.items():
        if name == "verbose":
            if value not in (0, "auto"):
                return "`fit` is asked to print"
        elif name in ("batch_size", "validation_batch_size"):
            if value and not _is_count(value):
                return f"its `{name}` is no number of rows"
        elif name == "shuffle":
            if not isinstance(value, bool | int | np.bool_ | None):
                return f"`fit` shuffles by {value!r}"
        elif name not in _TAKEN and not _is_default(name, value):
            return f"`fit` is given `{name}`"
    if not _is_count(options.get("epochs", DEFAULTS["epochs"])):
        return "its `epochs` is no number of epochs above 0"
    valid = options.get("validation_data")
    if valid is not None and not (isinstance(valid, tuple) and len(valid) == 2):
        return "its validation data are not a pair of arrays"
    return None


def _is_count(value: Any) -> bool:
    """Whether a value is a whole number above 0."""
    whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
    return whole and bool(value > 0)


def _is_default(name: str, value: Any) -> bool:
    """Whether an option of Keras' `fit` has its default value."""
    default = DEFAULTS[name]
    if default is None or value is None:
        return value is default
    return isinstance(value, int | float) and bool(value == default)
