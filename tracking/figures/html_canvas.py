"""What the figures for pages and notebooks share: they are plain values, as plotly takes them.

A figure is a dictionary with plotly's `data` and `layout`. So none of it needs plotly itself, whose
import takes long; a page hands the dictionary to plotly's JavaScript.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any, Protocol, TypeVar

from tracking.figures import style
from tracking.figures.data import Limits, beyond, side
from tracking.texts import visible

Plot = dict[str, Any]

_AXIS = {
    "gridcolor": style.LIGHT,
    "linecolor": style.GREY,
    "ticks": "outside",
    "tickcolor": style.GREY,
    "zeroline": False,
    "automargin": True,
    "title": {"standoff": 10},
}
TEMPLATE: dict[str, Any] = {
    "layout": {
        "font": {"color": style.INK, "family": "system-ui, sans-serif", "size": 13},
        "paper_bgcolor": "white",
        "plot_bgcolor": "white",
        "xaxis": _AXIS,
        "yaxis": _AXIS,
        "colorway": list(style.LINES),
        "hoverlabel": {"align": "left"},
        "legend": {
            "orientation": "h",
            "yref": "container",
            "yanchor": "bottom",
            "y": 0.0,
            "itemwidth": 40,
        },
        "margin": {"t": 24, "r": 16, "b": 48, "l": 56},
    }
}
"""The look of every figure."""

CONFIG = {"displaylogo": False, "responsive": True}
_GAP = 0.09
_FEW = 12
"""Over so few whole numbers plotly would put ticks at fractions."""


def script() -> str:
    """The JavaScript of plotly, 4.8 MB, read from its package without importing that."""
    from importlib.util import find_spec

    found = find_spec("plotly")
    assert found is not None, "plotly is not installed"
    assert found.origin is not None, "plotly has no folder"
    path = Path(found.origin).parent / "package_data" / "plotly.min.js"
    return path.read_text(encoding="utf-8")


def notebook_figure(plot: Plot) -> Any:
    """Make plotly's own figure of one of ours, to be shown in a notebook or changed."""
    from plotly import graph_objects

    layout = {"height": 560, "template": TEMPLATE, **plot["layout"]}
    return graph_objects.Figure({"data": plot["data"], "layout": layout})


def new(title: str, data: Sequence[Plot] = (), **layout: Any) -> Plot:
    """A figure of some traces, with a title and more of plotly's layout."""
    return {"data": list(data), "layout": {"title": {"text": plain(title)}, **layout}}


def message(title: str, text: str) -> Plot:
    """A text in place of a figure that has nothing to show yet."""
    middle = {"xref": "paper", "yref": "paper", "x": 0.5, "y": 0.5}
    note = {"text": plain(text), "showarrow": False, **middle}
    nothing = {"visible": False}
    return new(title, annotations=[note], xaxis=nothing, yaxis=nothing)


def axis(title: str, **more: Any) -> Plot:
    """An axis with a title, and more of plotly's settings."""
    return {"title": {"text": plain(title)}, **more}


def whole_axis(title: str, values: Sequence[float], **more: Any) -> Plot:
    """An axis of whole numbers, on which no tick lies between two of them.

    Over a wide range plotly has whole ticks of its own accord.
    """
    is_short = bool(values) and max(values) - min(values) <= _FEW
    return axis(title, **({"dtick": 1, "tick0": 0} if is_short else {}), **more)


def points(x: Sequence[Any], y: Sequence[Any], **more: Any) -> Plot:
    """A scatter trace of markers."""
    return {"type": "scatter", "mode": "markers", "x": list(x), "y": list(y), **more}


def line(x: Sequence[Any], y: Sequence[Any], **more: Any) -> Plot:
    """A scatter trace of a line."""
    return {"type": "scatter", "mode": "lines", "x": list(x), "y": list(y), **more}


def panels(count: int, columns: int) -> list[tuple[str, Plot, Plot]]:
    """Places for panels in rows of so many columns, the first one at the top left.

    Returns:
        For each panel the number that plotly gives its axes ("" for the first), and where the
        horizontal and the vertical axis lie, from 0 to 1.
    """
    rows = -(-count // columns)
    width, height = (1 + _GAP) / columns - _GAP, (1 + _GAP) / rows - _GAP
    found = []
    for place in range(count):
        row, column = divmod(place, columns)
        left, top = column * (width + _GAP), 1.0 - row * (height + _GAP)
        number = "" if place == 0 else str(place + 1)
        across = {"domain": [left, min(left + width, 1.0)], "anchor": f"y{number}"}
        up = {"domain": [max(top - height, 0.0), top], "anchor": f"x{number}"}
        found.append((number, across, up))
    return found


def marker(state: str, count: int = 0) -> Plot:
    """The marker of a trial's state, smaller where there are many trials."""
    size = 9 if count < 200 else 6
    symbol = style.PLOTLY_MARKERS[state]
    return {"color": style.STATE_COLOURS[state], "symbol": symbol, "size": size, "opacity": 0.85}


def edged(
    symbols: str | Sequence[str], values: Sequence[float | None], limits: Limits
) -> str | list[str]:
    """The symbols of markers, with an arrow where a value lies beyond the axis and is at its edge.

    A hollow symbol has a hollow arrow.

    Args:
        symbols: One for each value, or one for all of them, which stays one if no value is beyond.
        values: The values; None is on the axis.
        limits: The range of the axis.
    """
    if isinstance(symbols, str) and not beyond([v for v in values if v is not None], limits):
        return symbols
    each = [symbols] * len(values) if isinstance(symbols, str) else symbols
    found = []
    for symbol, value in zip(each, values, strict=True):
        where = 0 if value is None else side(value, limits)
        arrow = f"{style.PLOTLY_ARROWS[where]}{'-open' * symbol.endswith('-open')}" if where else ""
        found.append(arrow or symbol)
    return found


class _Valued(Protocol):
    @property
    def value(self) -> float | None: ...


_Marked = TypeVar("_Marked", bound=_Valued)


def usual_first(found: Sequence[_Marked], limits: Limits) -> list[_Marked]:
    """Points without an arrow before the others: Plotly's legend shows the first one's mark.

    Args:
        found: The points, each with a value; None is on the axis.
        limits: The range of the axis.
    """
    return sorted(found, key=lambda each: each.value is not None and bool(side(each.value, limits)))


def plain(text: str) -> str:
    """A name as plotly shows it unchanged: it would read tags, and make links of some."""
    return escape(shown(text), quote=False)


def shown(text: str) -> str:
    """A name without characters that cannot be seen, cut where it is long."""
    return style.cut(visible(text))


def tick_texts(ticks: Sequence[tuple[float, str]], most: int = style.MOST_LETTERS) -> list[str]:
    """The texts of an axis' ticks, each cut to so many characters."""
    return [escape(style.cut(visible(text), most), quote=False) for _, text in ticks]
