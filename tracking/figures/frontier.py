"""The trials of a study with several goals against each other, and those that none beats."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tracking.figures import style
from tracking.figures.axes import robust_limits
from tracking.figures.data import Limits, finite, words
from tracking.figures.png_canvas import blank, message, tidy
from tracking.records import COMPLETE, StudyRecord

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_HEIGHT = 4.6


@dataclass(frozen=True, slots=True)
class Point:
    """A complete trial: its number, its value, its other goals, whether none beats it."""

    number: int
    value: float
    others: tuple[float, ...]
    is_frontier: bool
    is_baseline: bool


@dataclass(frozen=True, slots=True)
class Frontier:
    """What `png` and `html` show.

    Attributes:
        points: Complete trials by number.
        goals: Names of the goals beside the objective.
        limits: Of the objective's axis.
    """

    points: tuple[Point, ...]
    goals: tuple[str, ...]
    limits: Limits | None


def frontier(study: StudyRecord) -> Frontier:
    """A study's complete trials by their goals."""
    unbeaten = {trial.number for trial in study.frontier()}
    goals = study.goals[1:]
    points = []
    for trial in study.trials:
        others = [finite(trial.metrics.get(name)) for name in goals]
        value = finite(trial.value)
        known = [each for each in others if each is not None]
        if trial.state == COMPLETE and value is not None and len(known) == len(goals):
            points.append(
                Point(
                    trial.number,
                    value,
                    tuple(known),
                    trial.number in unbeaten,
                    trial.is_baseline,
                )
            )
    limits = robust_limits([each.value for each in points], minimize=study.minimize)
    return Frontier(tuple(points), goals, limits)


def draw_frontier_png(data: Frontier, *, title: str, value_label: str) -> Figure:
    """A panel a goal: the objective against it, the unbeaten trials in front and numbered."""
    from matplotlib.ticker import EngFormatter

    if not data.points or data.limits is None:
        return message(title, style.NEEDS_ONE)
    figure = blank(_HEIGHT)
    figure.suptitle(title, x=0.02, ha="left", fontsize=12, color=style.INK, fontweight="bold")
    low, high = data.limits
    for place, goal in enumerate(data.goals):
        panel = figure.add_subplot(1, len(data.goals), place + 1)
        tidy(panel)
        for point in data.points:
            shown = min(max(point.value, low), high)
            colour = style.RED if point.is_frontier else style.GREY
            marker = "D" if point.is_baseline else "o"
            panel.scatter(
                [point.others[place]],
                [shown],
                s=44 if point.is_frontier else 24,
                color=colour,
                marker=marker,
                alpha=0.9 if point.is_frontier else 0.5,
                lw=0,
                clip_on=False,
            )
            if point.is_frontier:
                panel.annotate(
                    str(point.number),
                    (point.others[place], shown),
                    xytext=(5, 4),
                    textcoords="offset points",
                    fontsize=8,
                )
        panel.xaxis.set_major_formatter(EngFormatter(sep=""))
        panel.set_ylim(low, high)
        panel.set_xlabel(words(goal), fontsize=9)
        panel.tick_params(labelsize=8, labelleft=place == 0)
    figure.supylabel(value_label, fontsize=9)
    figure.supxlabel(
        "coloured: no trial is better in one goal without being worse in another; ◆ the baseline",
        fontsize=8,
        color=style.GREY,
    )
    return figure


def draw_frontier_html(data: Frontier, *, title: str, value_label: str) -> Any:
    """The same as a page."""
    from plotly.subplots import make_subplots

    from tracking.figures.html import message as page

    if not data.points or data.limits is None:
        return page(title, style.NEEDS_ONE)
    figure = make_subplots(rows=1, cols=len(data.goals), shared_yaxes=True)
    for place, goal in enumerate(data.goals):
        at = {"row": 1, "col": place + 1}
        for unbeaten, name in ((False, "beaten"), (True, "not beaten")):
            points = [point for point in data.points if point.is_frontier is unbeaten]
            figure.add_scatter(
                x=[point.others[place] for point in points],
                y=[point.value for point in points],
                text=[f"trial {point.number}: {point.value:.5f}" for point in points],
                hoverinfo="text+x",
                mode="markers",
                name=name,
                showlegend=place == 0,
                marker={
                    "color": style.RED if unbeaten else style.GREY,
                    "size": 10 if unbeaten else 6,
                    "symbol": ["diamond" if p.is_baseline else "circle" for p in points],
                },
                **at,
            )
        figure.update_xaxes(title=words(goal), **at)
    figure.update_yaxes(range=list(data.limits))
    figure.update_yaxes(title=value_label, row=1, col=1)
    figure.update_layout(title=title, template="plotly_white", height=560)
    return figure
