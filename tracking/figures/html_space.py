"""Draws trials against their parameters: parallel coordinates, slices, two parameters together."""

from __future__ import annotations

from collections.abc import Sequence

from tracking.figures import style
from tracking.figures.axes import CATEGORY, Axis
from tracking.figures.data import Landscape, within
from tracking.figures.html_canvas import (
    Plot,
    axis,
    edged,
    line,
    message,
    new,
    panels,
    plain,
    points,
    shown,
    tick_texts,
)
from tracking.figures.surface import Surface

_UNUSED = -0.12
BEST = 10
"""So many of the best trials have lines of their own width."""
_LETTERS = 18
"""So many letters of a choice have room beside a scale."""
_LETTER = 6.5
"""So many pixels has a letter of a tick's text, with some to spare."""
_LEFT, _RIGHT = 60, 90
"""Margins of parallel coordinates in pixels."""
_COLOURS = [[0.0, "#3f8fc4"], [0.5, "#a9cfe6"], [1.0, "#f7fbff"]]
"""From the best value to the worst one, light enough for dark writing everywhere."""


def draw_parallel(data: Landscape, *, title: str, value_label: str) -> Plot:
    """Draw each trial as a line across vertical scales, one scale for each parameter.

    A reader can move a scale, and mark a range on it to pick out the trials there.
    """
    if len(data.values) < 2 or not data.axes or data.limits is None:
        return message(title, style.NEEDS_TWO)
    low, high = data.limits
    scales = [
        {
            "label": plain(axis.label),
            "values": [_UNUSED if p is None else p for p in axis.positions],
            "range": [_UNUSED if None in axis.positions else 0, 1],
            "tickvals": [
                *([_UNUSED] if None in axis.positions else []),
                *(p for p, _ in axis.ticks),
            ],
            # The only texts in which plotly reads no tags.
            "ticktext": [
                *(["not used"] if None in axis.positions else []),
                *(shown(text) for _, text in axis.ticks),
            ],
        }
        for axis in data.axes
    ]
    look = {
        "color": list(data.values),
        "colorscale": "Viridis",
        "reversescale": not data.minimize,
        "cmin": max(low, min(data.values)),
        "cmax": min(high, max(data.values)),
        "showscale": True,
        "colorbar": {"title": {"text": plain(value_label)}},
    }
    traces = [{"type": "parcoords", "dimensions": scales, "line": look}]
    return new(title, traces, margin={"t": 110, "l": 90})


def draw_lines(data: Landscape, *, title: str) -> Plot:
    """Draw parallel coordinates in groups: the best trial, the best ten, and all others in grey.

    It needs no WebGL, of which a browser may have none, and the groups differ in width and dashes
    too. Scales are as in `draw_parallel`.
    """
    if len(data.values) < 2 or not data.axes or data.limits is None:
        return message(title, style.NEEDS_TWO)
    best, others = data.order[-1:], data.order[: -BEST or None]
    middle = data.order[-BEST:-1]
    thin = {"color": "#9a9a9a" if len(others) < 100 else "#cccccc", "width": 0.7}
    looks = (
        (f"others ({len(others)})", others, thin),
        (f"best {len(middle) + 1}", middle, {"color": style.BLUE, "width": 1.8}),
        ("the best", best, {"color": style.RED, "width": 3.6, "dash": "dash"}),
    )
    traces = [_polylines(data, places, name, look) for name, places, look in looks if places]
    names = [plain(style.cut(each.label, 40)) for each in data.axes]
    missing = any(None in each.positions for each in data.axes)
    bare = {"showgrid": False, "showline": False}
    across = {
        "tickvals": list(range(len(names))),
        "ticktext": names,
        "tickangle": -30,
        "side": "top",
        # The last name would be left out, since it ends beyond the axis; the margin grows for it.
        "ticklabeloverflow": "allow",
        "range": [-0.2, len(names) - 0.8],
    }
    up = {
        "range": [-0.18 if missing else -0.06, 1.06],
        "tickvals": [_UNUSED] if missing else [],
        "ticktext": ["not used"] if missing else [],
    }
    room = {"t": 110, "r": _RIGHT, "b": 40, "l": _LEFT}
    marks = {"annotations": _scale_notes(data), "shapes": _scale_lines(len(names))}
    return new(title, traces, xaxis=across | bare, yaxis=up | bare, margin=room, **marks)


def lines_width(scales: int) -> int:
    """The pixels that `draw_lines` needs, so that no tick's text runs into the next scale."""
    step = _LETTER * _letters(scales) + 8
    return max(360, round(_LEFT + _RIGHT + (scales - 0.6) * step))


def _letters(scales: int) -> int:
    """So many letters of a tick's text have room between two of some scales."""
    return min(_LETTERS, max(10, 100 // scales))


def _scale_notes(data: Landscape) -> list[Plot]:
    """The texts of all scales' ticks, at the right of their scales."""
    letters = _letters(len(data.axes))
    look = {"showarrow": False, "xanchor": "left", "xshift": 4, "font": {"size": 10}}
    look |= {"bgcolor": "rgba(255,255,255,0.8)", "borderpad": 1}
    return [
        {"x": x, "y": place, "text": plain(style.cut(text, letters)), **look}
        for x, each in enumerate(data.axes)
        for place, text in each.ticks
    ]


def _scale_lines(count: int) -> list[Plot]:
    look = {"type": "line", "y0": 0, "y1": 1, "layer": "below", "line": {"color": style.GREY}}
    return [{"x0": x, "x1": x, **look} for x in range(count)]


def _polylines(data: Landscape, places: Sequence[int], name: str, look: Plot) -> Plot:
    """A trace of many trials' lines, one after another with a gap between."""
    xs: list[float | None] = []
    ys: list[float | None] = []
    texts: list[str] = []
    for i in places:
        for x, each in enumerate(data.axes):
            position = each.positions[i]
            xs.append(x)
            ys.append(_UNUSED if position is None else position)
        texts += [f"trial {data.numbers[i]}: {data.values[i]:.5f}"] * len(data.axes) + [""]
        xs.append(None)
        ys.append(None)
    return line(xs, ys, name=name, line=look, text=texts, hoverinfo="text", connectgaps=False)


def draw_slice(data: Landscape, *, title: str, value_label: str) -> Plot:
    """Plot the objective against each parameter, in one panel per parameter."""
    if not data.values or not data.axes or data.limits is None:
        return message(title, style.NEEDS_TWO)
    columns = min(3, len(data.axes))
    traces, layout = [], {}
    places = panels(len(data.axes), columns)
    for index, (each, (number, across, up)) in enumerate(zip(data.axes, places, strict=True)):
        traces.append(_sliced(data, each) | {"xaxis": f"x{number}", "yaxis": f"y{number}"})
        layout[f"xaxis{number}"] = _across(each) | across
        label = value_label if index % columns == 0 else ""
        layout[f"yaxis{number}"] = axis(label, **up, range=list(data.limits))
    height = max(560, 260 * -(-len(data.axes) // columns))
    return new(title, traces, **layout, showlegend=False, height=height)


def draw_one_slice(data: Landscape, place: int, *, value_label: str) -> Plot:
    """Plot the objective against one parameter, that of `data.axes[place]`."""
    assert data.limits is not None, "there is no trial to draw"
    each = data.axes[place]
    up = axis(value_label, range=list(data.limits))
    best = data.order[-1]
    traces = [_sliced(data, each)]
    if (x := each.positions[best]) is not None:
        mark = {"color": style.RED, "symbol": "star", "size": 14}
        text = [f"the best, trial {data.numbers[best]}: {data.values[best]:.5f}"]
        y = [within(data.values[best], data.limits)]
        # The best value is always on the axis, which begins there.
        traces.append(points([x], y, marker=mark, text=text, hoverinfo="text", cliponaxis=False))
    room = {"t": 8, "r": 34, "b": 48, "l": 56}
    return new(each.label, traces, xaxis=_across(each), yaxis=up, showlegend=False, margin=room)


def _sliced(data: Landscape, each: Axis) -> Plot:
    assert data.limits is not None, "there is no trial to draw"
    kept = [i for i, position in enumerate(each.positions) if position is not None]
    symbols = edged("circle", [data.values[i] for i in kept], data.limits)
    return points(
        [each.positions[i] for i in kept],
        [within(data.values[i], data.limits) for i in kept],
        text=[f"trial {data.numbers[i]}: {data.values[i]:.5f}" for i in kept],
        hoverinfo="text",
        cliponaxis=False,
        marker={
            "color": style.BLUE,
            "opacity": 0.65,
            "symbol": symbols,
            "size": 7 if len(kept) < 200 else 5,
        },
    )


def _across(each: Axis) -> Plot:
    ticks = {"tickvals": [p for p, _ in each.ticks], "ticktext": tick_texts(each.ticks, _LETTERS)}
    return axis(each.label, range=[-0.08, 1.08], ticklabeloverflow="allow", **ticks)


def draw_surface(data: Surface, *, title: str, value_label: str) -> Plot:
    """Draw the objective over two parameters, as contours or, of choices, as cells.

    Marks of the trials and of the best one lie on it, but not on cells whose values are written.
    """
    low, high = data.colours
    trace: Plot = {
        "type": "contour" if data.is_smooth else "heatmap",
        "x": list(data.xs),
        "y": list(data.ys),
        "z": [list(row) for row in data.values],
        "zmin": low,
        "zmax": high,
        "colorscale": _COLOURS,
        "reversescale": not data.minimize,
        "colorbar": {"title": {"text": plain(value_label), "side": "right"}, "thickness": 14},
        "hovertemplate": "%{z:.5f}<extra></extra>",
    }
    if data.is_smooth:
        trace |= {"contours": {"showlabels": True, "labelfont": {"color": style.INK, "size": 11}}}
    if data.is_written:
        trace |= {"texttemplate": "%{z:.4f}", "textfont": {"color": style.INK}}
    marks = [] if data.is_written else _marks(data)
    across, up = (_across(each) | {"range": _whole_cells(each)} for each in (data.across, data.up))
    return new(title, [trace, *marks], xaxis=across, yaxis=up, showlegend=False)


def _whole_cells(each: Axis) -> list[float]:
    """The range of a surface's scale: the first and the last cell of choices reach beyond it."""
    half = 0.5 / (len(each.ticks) - 1) if each.kind == CATEGORY and len(each.ticks) > 1 else 0.08
    return [-half, 1 + half]


def _marks(data: Surface) -> list[Plot]:
    """A dot for each trial of a surface, and a star for the best one."""
    dots = points(
        [x for _, x, _, _ in data.trials],
        [y for _, _, y, _ in data.trials],
        text=[f"trial {number}: {value:.5f}" for number, _, _, value in data.trials],
        hoverinfo="text",
        marker={
            "color": "white",
            "size": 6 if len(data.trials) < 200 else 4,
            "line": {"color": style.INK, "width": 1},
        },
    )
    sign = 1.0 if data.minimize else -1.0
    number, x, y, value = min(data.trials, key=lambda trial: sign * trial[3])
    star = {"color": style.RED, "symbol": "star", "size": 14}
    text = [f"the best, trial {number}: {value:.5f}"]
    return [dots, points([x], [y], text=text, hoverinfo="text", marker=star)]
