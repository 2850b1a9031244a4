"""Draws the learning curve of one trial as PNG and reuses the figure for the next trials.

Making a figure takes as long as drawing it, and there is one such picture for each trial.
"""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING

from tracking.figures.data import Curve, Limits
from tracking.figures.png import draw_curves
from tracking.figures.png_canvas import note_beyond, plain, save_usual, set_title

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_LOCK = threading.Lock()
_SHEETS: dict[tuple[bool, ...], Figure] = {}


def save_curve(
    curve: Curve, path: Path, *, title: str, value_label: str, limits: Limits | None
) -> None:
    """Draw the learning curve of one trial as PNG, on the figure of an earlier call if possible.

    The file has the same bytes as if it were drawn on a new figure. Several threads may call
    this function: one draws while the others wait.

    Args:
        curve: The trial's curve.
        path: The file.
        title: Title of the picture.
        value_label: Text of the vertical axis.
        limits: Range of the vertical axis; None where there is nothing to draw.
    """
    parts = [points for points in (curve.train, curve.validation) if points]
    if limits is None or not parts:
        save_usual(draw_curves([], title=title, value_label=value_label, limits=None), path)
        return
    kind = (bool(curve.train), bool(curve.validation), curve.best is None, len(parts[-1]) == 1)
    with _LOCK:
        if kind in _SHEETS:
            _put(_SHEETS[kind], curve, title=title, value_label=value_label, limits=limits)
        else:
            _SHEETS[kind] = draw_curves(
                [curve], title=title, value_label=value_label, limits=limits
            )
        save_usual(_SHEETS[kind], path)


def _put(figure: Figure, curve: Curve, *, title: str, value_label: str, limits: Limits) -> None:
    """Replace the curve on an earlier figure: its lines, its texts and its axis range.

    The figure holds its lines in the order in which they were drawn.
    """
    (axes,) = figure.axes
    parts = [points for points in (curve.train, curve.validation) if points]
    best = [] if curve.best is None else [(curve.best,)]
    for line, points in zip(axes.lines, [*parts, *best], strict=False):
        line.set_data(*zip(*points, strict=True))
    for text in list(axes.texts):
        text.remove()
    axes.relim()
    axes.autoscale_view()
    axes.set_ylim(limits)
    axes.set_ylabel(plain(value_label))
    set_title(axes, title)
    note_beyond(axes, [value for points in parts for _, value in points], limits)
