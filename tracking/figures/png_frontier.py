"""Draws the goals of a study with several goals against each other, with matplotlib."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tracking.figures import style
from tracking.figures.data import Limits, side, within, words
from tracking.figures.frontier import Frontier, Point
from tracking.figures.png_canvas import (
    blank,
    message,
    note_beyond,
    plain,
    scatter,
    set_suptitle,
    tidy,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_HEIGHT = 4.6  # inches


def draw_frontier(data: Frontier, *, title: str, value_label: str) -> Figure:
    """Plot the objective against every other goal, in one panel per goal.

    The trials that no other one beats lie in front, coloured and numbered.
    """
    from matplotlib.ticker import EngFormatter

    if not data.points or data.limits is None:
        return message(title, style.NEEDS_ONE)
    figure = blank(_HEIGHT)
    set_suptitle(figure, title)
    for place, goal in enumerate(data.goals):
        panel = figure.add_subplot(1, len(data.goals), place + 1)
        tidy(panel)
        for point in data.points:
            _draw_point(panel, point, place, data.limits)
        panel.xaxis.set_major_formatter(EngFormatter(sep=""))
        panel.set_ylim(data.limits)
        panel.set_xlabel(plain(words(goal)), fontsize=9)
        panel.tick_params(labelsize=8, labelleft=place == 0)
        if place == len(data.goals) - 1:
            values = [point.value for point in data.points]
            note_beyond(panel, values, data.limits, arrows=True)
    figure.supylabel(plain(value_label), fontsize=9)
    figure.supxlabel(_marks(data, data.limits), fontsize=8, color=style.GREY)
    return figure


def _marks(data: Frontier, limits: Limits) -> str:
    """What the marks mean that there are."""
    told = ["coloured: no trial is better in one goal without being worse in another"]
    if any(point.is_baseline and not side(point.value, limits) for point in data.points):
        told.append("◆ the baseline")
    if any(point.is_beyond for point in data.points):
        told.append("hollow: beyond a limit")
    return "; ".join(told)


def _draw_point(panel: Axes, point: Point, place: int, limits: Limits) -> None:
    colour = style.RED if point.is_frontier else style.GREY
    at = (point.others[place], within(point.value, limits))
    scatter(
        panel,
        [(point.others[place], point.value)],
        limits,
        inset=0.025 * (limits[1] - limits[0]),
        s=44 if point.is_frontier else 24,
        facecolor="none" if point.is_beyond else colour,
        edgecolor=colour,
        marker="D" if point.is_baseline else "o",
        alpha=0.9 if point.is_frontier else 0.5,
        lw=1 if point.is_beyond else 0,
        clip_on=False,
    )
    if point.is_frontier:
        aside = {"xytext": (5, 4), "textcoords": "offset points", "fontsize": 8}
        panel.annotate(str(point.number), at, **aside)  # type: ignore[arg-type]
