"""Draws figures for pages and notebooks; also exports what `html_space` and `html_cost` draw."""

from __future__ import annotations

from collections.abc import Sequence

from tracking.figures import style
from tracking.figures.data import Curve, History, Limits, Points, within
from tracking.figures.html_canvas import (
    Plot,
    axis,
    edged,
    line,
    marker,
    message,
    new,
    notebook_figure,
    panels,
    plain,
    points,
    usual_first,
    whole_axis,
)
from tracking.figures.html_cost import draw_frontier
from tracking.figures.html_space import draw_parallel, draw_slice

__all__ = [
    "draw_curves",
    "draw_frontier",
    "draw_history",
    "draw_importances",
    "draw_parallel",
    "draw_slice",
    "message",
    "notebook_figure",
]


def draw_history(data: History, *, title: str, value_label: str) -> Plot:
    """Plot objective against trial number; the marker shows the state, hovering the value."""
    if data.limits is None:
        return message(title, style.NEEDS_ONE)
    limits = data.limits
    traces = []
    for state in style.STATES:
        found = usual_first([p for p in data.points if p.state == state], limits)
        if found:
            look = marker(state, len(data.points))
            symbols = edged(look["symbol"], [p.value for p in found], limits)
            trace = points(
                [p.number for p in found],
                [limits[0] if p.value is None else within(p.value, limits) for p in found],
                text=["no value" if p.value is None else f"{p.value:.5f}" for p in found],
                marker=look | {"symbol": symbols},
                name=f"{state} ({len(found)})",
                hovertemplate="trial %{x}: %{text}",
                cliponaxis=False,
            )
            traces.append(trace)
    if data.best:
        x, y = zip(*data.best, (data.points[-1].number, data.best[-1][1]), strict=True)
        traces.append(line(x, y, line={"color": style.INK, "shape": "hv"}, name="best so far"))
    if data.baseline is not None:
        ends = [data.points[0].number, data.points[-1].number]
        look = {"color": style.GREEN, "dash": "dash"}
        traces.append(line(ends, [data.baseline] * 2, line=look, name="baseline"))
    across = whole_axis("Trial (number)", [p.number for p in data.points])
    return new(title, traces, xaxis=across, yaxis=axis(value_label, range=list(limits)))


def draw_importances(bars: Sequence[tuple[str, float]], *, title: str) -> Plot:
    """Draw a bar for each parameter, the most important one on top."""
    if not bars:
        return message(title, style.NEEDS_MANY)
    names, shares = zip(*reversed(bars), strict=True)
    # By numbers: plotly takes a name for a number or a date where it can.
    rows = list(range(len(names)))
    trace = {
        "type": "bar",
        "orientation": "h",
        "x": list(shares),
        "y": rows,
        "marker": {"color": style.BLUE},
        "text": [f"{share:.1%}" for share in shares],
        "textposition": "auto",
        "hoverinfo": "text",
    }
    across = axis("Share of the objective's variance (%)", tickformat=".0%", rangemode="tozero")
    up = {"tickvals": rows, "ticktext": [plain(style.cut(name, 40)) for name in names]}
    return new(title, [trace], xaxis=across, yaxis=up)


def draw_curves(
    curves: Sequence[Curve], *, title: str, value_label: str, limits: Limits | None
) -> Plot:
    """Draw validation curves in one panel, and training curves in a second one below.

    A trial has the same colour and dashes in both, the baseline is grey, and a marker shows the
    epoch whose weights were kept.
    """
    if not curves or limits is None:
        return message(title, style.NEEDS_CURVE)
    has_train = any(curve.train for curve in curves)
    places = panels(2, 1) if has_train else panels(1, 1)
    traces: list[Plot] = []
    for place, curve in enumerate(curves):
        look, symbol = _look(curve, place)
        shared = {"legendgroup": str(place), "name": plain(curve.label)}
        if curve.validation:
            traces.append(_curve(curve.validation, "", line=look, **shared))
        if curve.train:
            traces.append(_curve(curve.train, "2", line=look, **shared, showlegend=False))
        if curve.best is not None:
            kept = {"color": look["color"], "size": 9, "symbol": symbol}
            more = {**shared, "name": f"{shared['name']}, kept", "showlegend": False}
            traces.append(points([curve.best[0]], [curve.best[1]], marker=kept, **more))
    known = [epoch for curve in curves for epoch, _ in (*curve.train, *curve.validation)]
    epochs = whole_axis("Epoch (number)", known)
    layout: Plot = {}
    for (number, across, up), part in zip(places, ("Validation", "Training"), strict=False):
        layout[f"xaxis{number}"] = {**epochs, **across, **({"matches": "x"} if number else {})}
        layout[f"yaxis{number}"] = axis(f"{part}: {value_label}", **up)
    layout["yaxis"]["range"] = list(limits)
    return new(title, traces, **layout)


def _look(curve: Curve, place: int) -> tuple[Plot, str]:
    """The line of a curve and the symbol of its kept epoch."""
    symbol = style.SYMBOLS[place % len(style.SYMBOLS)]
    if curve.is_baseline:
        return {"color": style.GREY, "dash": "solid", "width": 3.5}, symbol
    colour = style.LINES[place % len(style.LINES)]
    return {"color": colour, "dash": style.DASHES[place % len(style.DASHES)], "width": 1.8}, symbol


def _curve(data: Points, number: str, **more: object) -> Plot:
    x, y = zip(*data, strict=True)
    panel = {"xaxis": f"x{number}", "yaxis": f"y{number}"}
    return line(x, y, hovertemplate="epoch %{x}: %{y:.5f}", **panel, **more)
