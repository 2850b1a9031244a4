"""Imports matplotlib and plotly before a figure needs them: the import takes some seconds."""

from __future__ import annotations

import importlib

_DRAWING = ("matplotlib.backends.backend_agg", "matplotlib.figure", "plotly.subplots")


def load_libraries() -> None:
    """Import matplotlib and plotly; calling the function again costs nothing."""
    for name in _DRAWING:
        importlib.import_module(name)
