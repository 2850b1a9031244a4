"""Draws figures as HTML pages that need no other file and no network."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

from tracking.figures import style
from tracking.figures.data import Curve, History, Landscape, Limits, words
from tracking.figures.frontier import Frontier, Point
from tracking.texts import visible


def save(figure: Any, path: Path) -> None:
    """Write a figure as an HTML page that includes the whole of plotly.js (4.6 MB)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.write_html(str(path), include_plotlyjs=True, full_html=True, config=_CONFIG)


_CONFIG = {"displaylogo": False, "responsive": True}


def rehearse() -> None:
    """Make a figure with each kind of trace: plotly reads the rules of each with the first one."""
    figure = _new("")
    figure.add_scatter(x=[0], y=[0], mode="markers", name="state")
    figure.add_bar(x=[0], y=[0])
    figure.add_parcoords()
    figure.add_annotation(text="note")
    figure.update_xaxes(title="x")
    figure.to_html(include_plotlyjs=False)


def message(title: str, text: str) -> Any:
    """Draw a text in place of a figure that has nothing to show yet."""
    figure = _new(title)
    figure.add_annotation(
        text=_plain(text), showarrow=False, xref="paper", yref="paper", x=0.5, y=0.5
    )
    figure.update_xaxes(visible=False)
    figure.update_yaxes(visible=False)
    return figure


def draw_history(data: History, *, title: str, value_label: str) -> Any:
    """Plot objective against trial number; the marker shows the state, hovering the value."""
    if data.limits is None:
        return message(title, style.NEEDS_ONE)
    figure = _new(title)
    low, high = data.limits
    for state in style.STATES:
        points = [p for p in data.points if p.state == state]
        if points:
            figure.add_scatter(
                x=[p.number for p in points],
                y=[low if p.value is None else min(max(p.value, low), high) for p in points],
                text=["no value" if p.value is None else f"{p.value:.5f}" for p in points],
                mode="markers",
                marker=_marker(state),
                name=f"{state} ({len(points)})",
                hovertemplate="trial %{x}: %{text}",
            )
    if data.best:
        x, y = zip(*data.best, (data.points[-1].number, data.best[-1][1]), strict=True)
        line = {"color": style.INK, "shape": "hv"}
        figure.add_scatter(x=x, y=y, mode="lines", line=line, name="best so far")
    if data.baseline is not None:
        ends = [data.points[0].number, data.points[-1].number]
        line = {"color": style.GREEN, "dash": "dash"}
        figure.add_scatter(x=ends, y=[data.baseline] * 2, mode="lines", line=line, name="baseline")
        low, high = min(low, data.baseline), max(high, data.baseline)
    figure.update_xaxes(title="Trial")
    figure.update_yaxes(title=_plain(value_label), range=[low, high])
    return figure


def draw_importances(bars: Sequence[tuple[str, float]], *, title: str) -> Any:
    """Draw a bar for each parameter, the most important one on top."""
    if not bars:
        return message(title, style.NEEDS_TWO)
    names, shares = zip(*reversed(bars), strict=True)
    figure = _new(title)
    # By numbers: plotly takes a name for a number or a date where it can.
    rows = list(range(len(names)))
    figure.add_bar(x=shares, y=rows, orientation="h", marker={"color": style.BLUE})
    figure.update_yaxes(tickvals=rows, ticktext=[_plain(name) for name in names])
    figure.update_xaxes(title="Share of the objective's variance", tickformat=".0%")
    return figure


def draw_parallel(data: Landscape, *, title: str, value_label: str) -> Any:
    """Draw each trial as a line across vertical scales, one scale for each parameter.

    A reader of the page can move a scale, and mark a range on it to pick out the trials there.
    """
    if len(data.values) < 2 or not data.axes or data.limits is None:
        return message(title, style.NEEDS_TWO)
    from plotly import graph_objects

    low, high = data.limits
    scales = [
        {
            "label": _plain(axis.name) + (" (log)" if axis.kind == "log" else ""),
            "values": [-0.12 if p is None else p for p in axis.positions],
            "range": [-0.12 if None in axis.positions else 0, 1],
            "tickvals": [*([-0.12] if None in axis.positions else []), *(p for p, _ in axis.ticks)],
            "ticktext": [*(["not used"] if None in axis.positions else []), *_shown(axis.ticks)],
        }
        for axis in data.axes
    ]
    line = {
        "color": list(data.values),
        "colorscale": "Viridis",
        "reversescale": not data.minimize,
        "cmin": max(low, min(data.values)),
        "cmax": min(high, max(data.values)),
        "showscale": True,
        "colorbar": {"title": _plain(value_label)},
    }
    figure = graph_objects.Figure(graph_objects.Parcoords(dimensions=scales, line=line))
    figure.update_layout(title=_plain(title), template="plotly_white", margin={"t": 110, "l": 90})
    return figure


def draw_slice(data: Landscape, *, title: str, value_label: str) -> Any:
    """Plot the objective against each parameter, in one panel per parameter."""
    if not data.values or not data.axes or data.limits is None:
        return message(title, style.NEEDS_TWO)
    from plotly.subplots import make_subplots

    columns = min(3, len(data.axes))
    rows = -(-len(data.axes) // columns)
    figure = make_subplots(rows=rows, cols=columns, shared_yaxes=True)
    for index, axis in enumerate(data.axes):
        place = {"row": index // columns + 1, "col": index % columns + 1}
        kept = [i for i, position in enumerate(axis.positions) if position is not None]
        figure.add_scatter(
            x=[axis.positions[i] for i in kept],
            y=[data.values[i] for i in kept],
            text=[f"trial {data.numbers[i]}: {data.values[i]:.5f}" for i in kept],
            hoverinfo="text",
            mode="markers",
            marker={"color": style.BLUE, "opacity": 0.65, "size": 7},
            **place,
        )
        name = _plain(axis.name) + (" (log scale)" if axis.kind == "log" else "")
        ticks = {"tickvals": [p for p, _ in axis.ticks], "ticktext": _texts(axis.ticks)}
        figure.update_xaxes(title=name, range=[-0.08, 1.08], **ticks, **place)
        if index % columns == 0:
            figure.update_yaxes(title=_plain(value_label), **place)
    figure.update_yaxes(range=list(data.limits))
    height = max(560, 260 * rows)
    figure.update_layout(
        title=_plain(title), template="plotly_white", showlegend=False, height=height
    )
    return figure


def draw_curves(
    curves: Sequence[Curve], *, title: str, value_label: str, limits: Limits | None
) -> Any:
    """Draw validation curves solid and training curves dashed; mark the kept weights' epoch."""
    if not curves or limits is None:
        return message(title, style.NEEDS_CURVE)
    figure = _new(title)
    for curve, colour in zip(curves, style.LINES, strict=False):
        parts = ((curve.train, "training", "dash"), (curve.validation, "validation", "solid"))
        for points, what, dash in parts:
            if points:
                x, y = zip(*points, strict=True)
                line = {"color": colour, "dash": dash, "width": 1.3 if dash == "dash" else 2.2}
                name = f"{_plain(curve.label)}, {what}"
                figure.add_scatter(x=x, y=y, mode="lines", line=line, name=name)
        if curve.best is not None:
            at = {"x": [curve.best[0]], "y": [curve.best[1]]}
            marker = {"color": colour, "size": 10}
            name = f"{_plain(curve.label)}, kept"
            figure.add_scatter(**at, mode="markers", marker=marker, name=name, showlegend=False)
    figure.update_xaxes(title="Epoch")
    figure.update_yaxes(title=_plain(value_label), range=list(limits))
    return figure


_FRONTIER = (
    ("beyond a limit", style.GREY, 6),
    ("beaten", style.GREY, 6),
    ("not beaten", style.RED, 10),
)


def _place(point: Point) -> str:
    """Where a trial stands in the figure of several goals."""
    if point.is_beyond:
        return "beyond a limit"
    return "not beaten" if point.is_frontier else "beaten"


def _symbol(point: Point) -> str:
    shape = "diamond" if point.is_baseline else "circle"
    return f"{shape}-open" if point.is_beyond else shape


def draw_frontier(data: Frontier, *, title: str, value_label: str) -> Any:
    """Plot the objective against every other goal, in one panel per goal."""

    if not data.points or data.limits is None:
        return message(title, style.NEEDS_ONE)
    from plotly.subplots import make_subplots

    figure = make_subplots(rows=1, cols=len(data.goals), shared_yaxes=True)
    for place, goal in enumerate(data.goals):
        at = {"row": 1, "col": place + 1}
        for name, colour, size in _FRONTIER:
            points = [point for point in data.points if _place(point) == name]
            figure.add_scatter(
                x=[point.others[place] for point in points],
                y=[point.value for point in points],
                text=[f"trial {point.number}: {point.value:.5f}" for point in points],
                hoverinfo="text+x",
                mode="markers",
                name=name,
                showlegend=place == 0,
                marker={
                    "color": colour,
                    "size": size,
                    "symbol": [_symbol(point) for point in points],
                },
                **at,
            )
        figure.update_xaxes(title=_plain(words(goal)), **at)
    figure.update_yaxes(range=list(data.limits))
    figure.update_yaxes(title=_plain(value_label), row=1, col=1)
    figure.update_layout(title=_plain(title), template="plotly_white", height=560)
    return figure


def _new(title: str) -> Any:
    from plotly import graph_objects

    figure = graph_objects.Figure()
    figure.update_layout(title=_plain(title), template="plotly_white", height=560)
    return figure


def _marker(state: str) -> dict[str, Any]:
    colour = style.STATE_COLOURS[state]
    return {"color": colour, "symbol": style.PLOTLY_MARKERS[state], "size": 9, "opacity": 0.85}


def _plain(text: str) -> str:
    """A name as plotly shows it unchanged: it would read tags, and make links of some."""
    return escape(_visible(text), quote=False)


def _visible(text: str) -> str:
    return style.cut(visible(text))


def _shown(ticks: Sequence[tuple[float, str]]) -> list[str]:
    """Texts of the scales of parallel coordinates, the only ones that plotly reads no tags in."""
    return [_visible(text) for _, text in ticks]


def _texts(ticks: Sequence[tuple[float, str]]) -> list[str]:
    return [_plain(text) for _, text in ticks]
