"""Draws what trials cost and how they ended: time, size, goals against each other, ends."""

from __future__ import annotations

import math
from collections.abc import Sequence

from tracking.figures import style
from tracking.figures.cost import End, Spent, frontier_of, unbeaten, value_limits
from tracking.figures.data import Limits, side, within, words
from tracking.figures.frontier import Frontier, Point
from tracking.figures.html_canvas import (
    Plot,
    axis,
    edged,
    line,
    marker,
    message,
    new,
    panels,
    plain,
    points,
    usual_first,
    whole_axis,
)

_FRONTIER = (
    ("beyond a limit", style.GREY, 6),
    ("beaten", style.GREY, 6),
    ("not beaten", style.RED, 10),
)
_LEAST, _MOST = 5.0, 26.0
"""Diameters of the smallest and of the largest model in pixels; with many trials half of it."""
_MANY = 100
_RING = {"symbol": "circle-open", "color": style.INK, "size": 9, "line": {"width": 2}}


def _place(point: Point) -> str:
    """Where a trial stands in the figure of several goals."""
    if point.is_beyond:
        return "beyond a limit"
    return "not beaten" if point.is_frontier else "beaten"


def _symbol(point: Point) -> str:
    shape = "diamond" if point.is_baseline else "circle"
    return f"{shape}-open" if point.is_beyond else shape


def draw_frontier(data: Frontier, *, title: str, value_label: str) -> Plot:
    """Plot the objective against every other goal, in one panel per goal."""
    if not data.points or data.limits is None:
        return message(title, style.NEEDS_ONE)
    limits, traces, layout = data.limits, [], {}
    places = panels(len(data.goals), len(data.goals))
    for place, (goal, (number, across, up)) in enumerate(zip(data.goals, places, strict=True)):
        for name, colour, size in _FRONTIER:
            found = usual_first([p for p in data.points if _place(p) == name], limits)
            values = [point.value for point in found]
            symbols = edged([_symbol(point) for point in found], values, data.limits)
            sizes = [max(size, 10) if side(value, data.limits) else size for value in values]
            trace = points(
                [point.others[place] for point in found],
                [within(point.value, data.limits) for point in found],
                text=[f"trial {point.number}: {point.value:.5f}" for point in found],
                hoverinfo="text+x",
                name=name,
                showlegend=place == 0,
                legendgroup=name,
                marker={"color": colour, "size": sizes, "symbol": symbols, "opacity": 1},
                cliponaxis=False,
                xaxis=f"x{number}",
                yaxis=f"y{number}",
            )
            traces.append(trace)
        layout[f"xaxis{number}"] = axis(words(goal), **across)
        label = value_label if place == 0 else ""
        layout[f"yaxis{number}"] = axis(label, **up, range=list(data.limits))
    return new(title, traces, **layout)


def draw_value_against_seconds(
    trials: Sequence[Spent], *, title: str, value_label: str, minimize: bool = True
) -> Plot:
    """Plot value against seconds; the area of a marker is that of the model's weights.

    A line joins the trials than which none is both faster and better. A ring marks those than which
    none is better, faster and smaller at once. Each family has a colour and a symbol of its own.
    """
    known = [each for each in trials if each.value is not None]
    limits = value_limits(tuple(known), minimize=minimize)
    if not known or limits is None:
        return message(title, style.NEEDS_ONE)
    largest = max((each.weights or 0.0 for each in known), default=0.0)
    zoom = 1.0 if len(known) < _MANY else 0.5
    ringed = {each.number for each in unbeaten(tuple(known), minimize=minimize)}
    traces = []
    for place, family in enumerate(sorted({each.family for each in known})):
        found = usual_first([each for each in known if each.family == family], limits)
        symbols = _symbols_of(found, place, limits)
        sizes = [zoom * _diameter(each, largest) for each in found]
        traces.append(
            points(
                [each.seconds for each in found],
                [within(each.value, limits) for each in found if each.value is not None],
                text=[_told(each) for each in found],
                hoverinfo="text",
                name=plain(family or "trials"),
                marker=_of_family(found, place, ringed) | {"size": sizes, "symbol": symbols},
                cliponaxis=False,
            )
        )
    front = frontier_of(tuple(known), minimize=minimize)
    look = {"color": style.INK, "shape": "hv", "width": 1.5, "dash": "dot"}
    y = [within(each.value, limits) for each in front if each.value is not None]
    name = "none is both faster and better"
    traces.append(line([e.seconds for e in front], y, line=look, name=name, hoverinfo="skip"))
    if ringed:
        traces.append(points([None], [None], name="none beats it in all three", marker=_RING))
    across = axis("Time of the trial (seconds)", **_seconds_scale([e.seconds for e in known]))
    return new(title, traces, xaxis=across, yaxis=axis(value_label, range=list(limits)))


def _of_family(found: Sequence[Spent], place: int, ringed: set[int]) -> Plot:
    """The colour and the rings of a family's trials."""
    rings = [each.number in ringed for each in found]
    return {
        "color": style.LINES[place % len(style.LINES)],
        "opacity": 0.65,
        "line": {
            "color": [style.INK if ring else "white" for ring in rings],
            "width": [2 if ring else 1 for ring in rings],
        },
    }


def _symbols_of(found: Sequence[Spent], place: int, limits: Limits) -> str | list[str]:
    shapes = [_shape(each, place) for each in found]
    return edged(shapes, [each.value for each in found], limits)


def _shape(each: Spent, place: int) -> str:
    if each.is_baseline:
        return "star"
    return ("circle", "square", "diamond", "triangle-up", "cross", "x")[place % 6]


def _diameter(each: Spent, largest: float) -> float:
    if not largest or not each.weights:
        return _LEAST + 2
    return _LEAST + (_MOST - _LEAST) * math.sqrt(each.weights / largest)


def _told(each: Spent) -> str:
    weights = "" if each.weights is None else f", {each.weights:,.0f} weights"
    kind = " (baseline)" if each.is_baseline else ""
    return f"trial {each.number}{kind}: {each.value:.5f}, {each.seconds:.3g} s{weights}"


def _seconds_scale(seconds: Sequence[float]) -> Plot:
    """A logarithmic axis for seconds that differ by more than a factor of 20."""
    least, most = min(seconds), max(seconds)
    if least > 0 and most / least > 20:
        powers = range(math.floor(math.log10(least)), math.ceil(math.log10(most)) + 1)
        factors = (1, 3) if most / least > 300 else (1, 2, 5)
        ticks = [factor * 10.0**power for power in powers for factor in factors]
        return {"type": "log", "tickvals": ticks, "ticktext": [f"{tick:g}" for tick in ticks]}
    return {"rangemode": "tozero"}


def draw_seconds(trials: Sequence[Spent], *, title: str) -> Plot:
    """Plot the seconds of each trial by its number; the marker shows how it ended."""
    if not trials:
        return message(title, style.NEEDS_ONE)
    traces = []
    for state in style.STATES:
        found = [each for each in trials if each.state == state]
        if found:
            trace = points(
                [each.number for each in found],
                [each.seconds for each in found],
                marker=marker(state, len(trials)),
                name=f"{state} ({len(found)})",
                hovertemplate="trial %{x}: %{y:.3g} s<extra></extra>",
            )
            traces.append(trace)
    up = axis("Time of the trial (seconds)", rangemode="tozero")
    across = whole_axis("Trial (number)", [each.number for each in trials])
    return new(title, traces, xaxis=across, yaxis=up)


def draw_totals(rows: Sequence[tuple[str, int, float]], *, title: str) -> Plot:
    """Draw the seconds of all trials of each family as bars, most seconds on top."""
    if not rows:
        return message(title, style.NEEDS_ONE)
    ordered = list(reversed(rows))
    texts = [
        f"{seconds:,.0f} s, {count} {'trial' if count == 1 else 'trials'}"
        for _, count, seconds in ordered
    ]
    bar = {"color": style.SKY, "line": {"color": style.INK, "width": 1}}
    trace = _bars([seconds for _, _, seconds in ordered], texts, bar)
    up = _rows([name for name, _, _ in ordered])
    return new(
        title,
        [trace],
        xaxis=axis("Time of all trials (seconds)", range=_room(trace["x"])),
        yaxis=up,
    )


def draw_ends(found: Sequence[End], *, title: str) -> Plot:
    """Draw a bar for each way to end, with a hatch for each state."""
    if not found:
        return message(title, "needs 1 trial")
    ordered = list(reversed(found))
    bar = {
        "color": [style.STATE_COLOURS.get(each.state, style.GREY) for each in ordered],
        "line": {"color": style.INK, "width": 1},
        "pattern": {
            "shape": [style.PATTERNS.get(each.state, "") for each in ordered],
            "fgcolor": "white",
        },
    }
    trace = _bars([each.count for each in ordered], [f"{each.count}" for each in ordered], bar)
    up = _rows([each.state for each in ordered])
    # On two lines, since a phone has little room beside the bars.
    up["ticktext"] = [
        f"<b>{plain(each.state)}</b>" + (f"<br>{plain(each.why)}" if each.why else "")
        for each in ordered
    ]
    room = _room(trace["x"])
    return new(title, [trace], xaxis=whole_axis("Trials (number)", room, range=room), yaxis=up)


def _bars(lengths: Sequence[float], texts: Sequence[str], bar: Plot) -> Plot:
    """Horizontal bars with texts at their ends, by the numbers of their rows."""
    return {
        "type": "bar",
        "orientation": "h",
        "x": list(lengths),
        "y": list(range(len(lengths))),
        "text": list(texts),
        "textposition": "outside",
        "cliponaxis": False,
        "hoverinfo": "text",
        "marker": bar,
    }


def _room(lengths: Sequence[float]) -> list[float]:
    """The range of an axis with room for texts at the ends of bars."""
    return [0.0, 1.3 * max(lengths) or 1.0]


def _rows(names: Sequence[str]) -> Plot:
    rows = list(range(len(names)))
    texts = [plain(style.cut(name, 45)) for name in names]
    return {"tickvals": rows, "ticktext": texts, "range": [-0.6, max(len(rows), 2) - 0.4]}
