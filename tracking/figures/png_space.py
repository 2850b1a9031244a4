"""Draws trials against their parameters with matplotlib: parallel coordinates and slices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tracking.figures import style
from tracking.figures.data import Landscape
from tracking.figures.png_canvas import (
    HEIGHT,
    blank,
    cut,
    message,
    new_figure,
    note_beyond,
    plain,
    scatter,
    set_suptitle,
    tidy,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from tracking.figures.axes import Axis

_MOST = 30
"""So many letters of a parameter's name have room below its scale."""
_ROW = 120
"""So many letters of ticks have room in a row of panels."""
_CLEAR, _FAINT = 100, 0.06
"""So many lines are clear, those of the best trials; and how opaque the others are."""
_MANY = 7
"""From so many scales on their ticks' texts are smaller."""


def draw_parallel(data: Landscape, *, title: str, value_label: str) -> Figure:
    """Draw each trial as a line across vertical scales, one scale for each parameter.

    The lines of better trials are darker and lie in front; beyond a hundred they are faint.
    """
    if len(data.values) < 2 or not data.axes or data.limits is None:
        return message(title, style.NEEDS_TWO)
    figure, axes = new_figure(title)
    colours, mappable = _colours(data)
    lines = [[_height(axis.positions[i]) for axis in data.axes] for i in data.order]
    *others, best = (colours[i] for i in data.order)
    _draw_lines(axes, lines[:-1], others)
    axes.plot(lines[-1], color=best, lw=2.6, marker="o" if len(data.axes) == 1 else "")
    _parallel_scales(axes, data)
    bar = figure.colorbar(mappable, ax=axes, pad=0.02)
    bar.set_label(plain(value_label), fontsize=9)
    bar.ax.tick_params(labelsize=8)
    return figure


def _draw_lines(axes: Axes, lines: Sequence[Sequence[float]], colours: Sequence[Any]) -> None:
    """Draw lines as one collection: thousands of them would take seconds one by one.

    The last ones are those of the best trials; where there are many, the others are faint.
    """
    from matplotlib.collections import LineCollection

    faint = len(lines) - _CLEAR
    shown = [(*c[:3], 0.75 if i >= faint else _FAINT) for i, c in enumerate(colours)]
    if len(lines[0]) == 1:
        heights = [height for (height,) in lines]
        axes.scatter([0] * len(heights), heights, c=shown, s=36, zorder=2)
        return
    paths = [list(enumerate(line)) for line in lines]
    axes.add_collection(LineCollection(paths, colors=shown, linewidths=1.1, zorder=2))


def draw_slice(data: Landscape, *, title: str, value_label: str) -> Figure:
    """Plot the objective against each parameter, in one panel per parameter."""
    if not data.values or not data.axes or data.limits is None:
        return message(title, style.NEEDS_TWO)
    columns = min(3, len(data.axes))
    rows = -(-len(data.axes) // columns)
    figure = blank(max(HEIGHT, 2.1 * rows + 0.6))
    set_suptitle(figure, title)
    for index, axis in enumerate(data.axes):
        panel = figure.add_subplot(rows, columns, index + 1)
        tidy(panel)
        pairs = [(p, v) for p, v in zip(axis.positions, data.values, strict=True) if p is not None]
        low, high = data.limits
        size = 26 if len(pairs) < 60 else 12
        look: dict[str, Any] = {"color": style.BLUE, "alpha": 0.65, "lw": 0, "clip_on": False}
        scatter(panel, pairs, data.limits, s=size, inset=0.05 * (high - low), **look)
        _slice_ticks(panel, axis, columns)
        panel.set_xlim(-0.08, 1.08)
        panel.set_ylim(low, high)
        suffix = " (log scale)" if axis.kind == "log" else ""
        panel.set_xlabel(f"{plain(axis.name, _MOST)}{suffix}", fontsize=9)
        panel.tick_params(labelsize=8, labelleft=index % columns == 0)
        if index == columns - 1:
            note_beyond(panel, data.values, data.limits, arrows=True)
    figure.supylabel(plain(value_label), fontsize=9)
    return figure


def _slice_ticks(panel: Axes, axis: Axis, columns: int) -> None:
    """Put a parameter's ticks below its panel, turned where they would run into one another."""
    texts = [cut(text) for _, text in axis.ticks]
    panel.set_xticks([place for place, _ in axis.ticks], texts)
    if _too_long(texts, _ROW // columns):
        _turn(panel)


def _too_long(texts: Sequence[str], letters: int) -> bool:
    """Whether texts would run into one another where so many letters have room side by side."""
    return max(map(len, texts), default=0) + 2 > letters / max(len(texts), 1)


def _turn(axes: Axes) -> None:
    for label in axes.get_xticklabels():
        label.set(rotation=25, ha="right", rotation_mode="anchor")


def _height(position: float | None) -> float:
    return -0.12 if position is None else position


def _parallel_scales(axes: Axes, data: Landscape) -> None:
    axes.grid(False)
    axes.spines[["left", "bottom"]].set_visible(False)
    for x, axis in enumerate(data.axes):
        axes.axvline(x, color=style.GREY, lw=0.8, zorder=0.5)
        for height, text in axis.ticks:
            axes.annotate(
                plain(text, _letters(len(data.axes))),
                (x, height),
                xytext=(3, 0),
                textcoords="offset points",
                fontsize=8 if len(data.axes) < _MANY else 7,
                va="center",
                zorder=6,
                bbox={"boxstyle": "round,pad=0.1", "fc": "white", "ec": "none", "alpha": 0.75},
            )
    missing = any(position is None for axis in data.axes for position in axis.positions)
    axes.set_ylim(-0.17 if missing else -0.05, 1.05)
    axes.set_yticks([-0.12] if missing else [], ["not used"] if missing else [])
    # Of one line: a second one would lie across the neighbour's name where names are turned.
    names = [plain(a.name, _MOST) + (" (log)" if a.kind == "log" else "") for a in data.axes]
    axes.set_xticks(range(len(names)), names)
    if _too_long(names, _ROW * 2 // 3):
        _turn(axes)
    axes.set_xlim(-0.1, max(len(names) - 1, 0) + 0.35)
    axes.tick_params(length=0)


def _letters(scales: int) -> int:
    """So many letters of a tick's text have room between two of some scales."""
    return min(14, max(8, 96 // scales))


def _colours(data: Landscape) -> tuple[Any, Any]:
    from matplotlib import colormaps
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    low, high = min(data.values), max(data.values)
    if data.limits is not None:
        low, high = max(low, data.limits[0]), min(high, data.limits[1])
    scale = Normalize(low, high if high > low else low + 1e-9, clip=True)
    mappable = ScalarMappable(scale, colormaps["viridis" if data.minimize else "viridis_r"])
    return [mappable.cmap(scale(value)) for value in data.values], mappable
