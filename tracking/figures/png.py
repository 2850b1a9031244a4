"""Draws figures with matplotlib; also exports what `png_space` and `png_frontier` draw."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tracking.figures import style
from tracking.figures.data import Curve, History, Limits
from tracking.figures.png_canvas import (
    legend,
    message,
    new_figure,
    note_beyond,
    percent,
    plain,
    save,
    save_usual,
    scatter,
    whole_numbers,
)
from tracking.figures.png_frontier import draw_frontier
from tracking.figures.png_space import draw_parallel, draw_slice

__all__ = [
    "draw_curves",
    "draw_frontier",
    "draw_history",
    "draw_importances",
    "draw_parallel",
    "draw_slice",
    "draw_two",
    "draw_verdict",
    "message",
    "save",
    "save_usual",
]

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def draw_history(data: History, *, title: str, value_label: str) -> Figure:
    """Plot the objective against the trial number; the marker shows the trial's state.

    Trials without a value lie at the bottom edge, and arrows at an edge are those beyond the axis.
    """
    if data.limits is None:
        return message(title, style.NEEDS_ONE)
    figure, axes = new_figure(title)
    low, high = data.limits
    for state in style.STATES:
        _draw_state(axes, data, state)
    if data.best:
        x, y = zip(*data.best, (data.points[-1].number, data.best[-1][1]), strict=True)
        axes.step(x, y, where="post", color=style.INK, linewidth=1.6, label="best so far")
    if data.baseline is not None:
        axes.axhline(data.baseline, color=style.GREEN, ls="--", lw=1.4, label="baseline")
    axes.set_ylim(low, high)
    whole_numbers(axes)
    axes.set_xlabel("Trial")
    axes.set_ylabel(plain(value_label))
    values = [p.value for p in data.points if p.value is not None]
    note_beyond(axes, values, (low, high), arrows=True)
    legend(figure, axes)
    return figure


def draw_importances(bars: Sequence[tuple[str, float]], *, title: str) -> Figure:
    """Draw a bar for each parameter, the most important one on top."""
    if not bars:
        return message(title, style.NEEDS_MANY)
    figure, axes = new_figure(title)
    names, shares = zip(*reversed(bars), strict=True)
    rows = list(range(len(bars)))
    axes.barh(rows, shares, color=style.BLUE, height=min(0.7, 0.12 * len(bars) + 0.2))
    axes.set_yticks(rows, [plain(name) for name in names])
    axes.set_ylim(-0.8, max(len(bars), 3) - 0.2)
    axes.grid(False, axis="y")
    top = max(*shares, 1e-9)
    for row, share in zip(rows, shares, strict=True):
        axes.text(
            share + 0.01 * top,
            row,
            "<1%" if 0 < share < 0.01 else f"{share:.0%}",
            va="center",
            fontsize=9,
        )
    axes.set_xlim(0, 1.12 * top)
    axes.set_xlabel("Share of the objective's variance")
    axes.xaxis.set_major_formatter(percent())
    return figure


def draw_curves(
    curves: Sequence[Curve], *, title: str, value_label: str, limits: Limits | None
) -> Figure:
    """Draw validation curves, each with dashes of its own, the baseline's in thick grey.

    Marks show the epoch whose weights were kept. The training curve of a single trial is dashed
    beside it.
    """
    if not curves or limits is None:
        return message(title, style.NEEDS_CURVE)
    figure, axes = new_figure(title)
    one = len(curves) == 1
    for place, curve in enumerate(curves):
        _draw_curve(axes, curve, place, one=one)
    axes.plot([], [], color=style.GREY, ls="", marker="o", ms=6, label="kept epoch")
    axes.set_ylim(limits)
    whole_numbers(axes)
    axes.set_xlabel("Epoch")
    axes.set_ylabel(plain(value_label))
    shown = [
        points for c in curves for points in ((c.train, c.validation) if one else (c.validation,))
    ]
    note_beyond(axes, [value for points in shown for _, value in points], limits)
    legend(figure, axes)
    return figure


@dataclass(frozen=True, kw_only=True, slots=True)
class CurveAxis:
    """The vertical axis of learning curves.

    Attributes:
        label: Its text.
        limits: Its range.
        minimize: Whether a lower value is better.
    """

    label: str
    limits: Limits
    minimize: bool = True


def draw_two(
    lines: Sequence[tuple[str, Sequence[tuple[int, float]], str]],
    *,
    expected: float | None,
    title: str,
    axis: CurveAxis,
) -> Figure:
    """Draw two trainings' learning curves and a horizontal line at an expected value.

    Args:
        lines: Name, points (epoch and value) and colour of each curve; the second is dashed.
        expected: The value to draw as a line, or None.
        title: Title of the figure.
        axis: The vertical axis.
    """
    figure, axes = new_figure(title)
    looks = ((3.2, "-"), (1.6, "--"))  # so that both are seen where they coincide
    for (name, points, colour), (width, dashes) in zip(lines, looks, strict=False):
        if points:
            x, y = zip(*points, strict=True)
            best = min(y) if axis.minimize else max(y)
            few = "o" if len(points) == 1 else ""
            label = f"{plain(name)} (best {best:.4f})"
            axes.plot(x, y, color=colour, marker=few, label=label, lw=width, ls=dashes)
    if expected is not None:
        axes.axhline(expected, color=style.INK, lw=1, ls=":", label=f"expected {expected:.4f}")
    axes.set_ylim(axis.limits)
    whole_numbers(axes)
    axes.set_xlabel("Epoch")
    axes.set_ylabel(plain(axis.label))
    note_beyond(axes, [value for _, points, _ in lines for _, value in points], axis.limits)
    legend(figure, axes)
    return figure


def draw_verdict(
    lines: Sequence[tuple[str, float, Sequence[float], tuple[float, float, float]]],
    levels: Sequence[tuple[str, float]],
    *,
    title: str,
) -> Figure:
    """Draw each candidate's validation RMSE in the search and on new seeds, and its test RMSE.

    A candidate is a trial of the study that was trained again with new seeds.

    Args:
        lines: For each candidate its name, its validation RMSE in the search, the validation
            RMSEs of its repeats, and its test RMSE: the lower end of the 95 % interval, the
            mean and the upper end of the interval.
        levels: Name and test RMSE of each prediction that needs no training.
        title: Title of the figure.
    """
    figure, axes = new_figure(title)
    for place, (name, searched, repeats, (low, middle, high)) in enumerate(lines):
        colour = style.LINES[place]
        shift = 0.12 * (place - (len(lines) - 1) / 2)
        mean = sum(repeats) / len(repeats)
        x = [shift, 1 + shift, 2 + shift]
        axes.plot(
            x, [searched, mean, middle], color=colour, lw=1.2, marker="o", ms=6, label=plain(name)
        )
        axes.plot([x[1]] * len(repeats), repeats, color=colour, ls="", marker="_", ms=9, alpha=0.6)
        axes.plot([x[2]] * 2, [low, high], color=colour, lw=2.4, alpha=0.5)
    for place, (name, value) in enumerate(levels):
        axes.axhline(
            value, color=style.GREY, lw=1, ls=(":", "--")[place % 2], label=f"{plain(name)}, test"
        )
    axes.set_xticks([0, 1, 2], ["validation, in the search", "validation, new seeds", "test"])
    axes.set_xlim(-0.4, 2.4)
    axes.set_ylabel("RMSE (rating points)")
    legend(figure, axes)
    return figure


def _draw_curve(axes: Axes, curve: Curve, place: int, *, one: bool) -> None:
    is_grey = curve.is_baseline and not one
    colour = style.GREY if is_grey else style.LINES[place % len(style.LINES)]
    few = len(curve.validation) == 1
    if curve.train and one:
        x, y = zip(*curve.train, strict=True)
        marker = "_" if few else ""
        axes.plot(x, y, color=colour, lw=1.1, ls="--", alpha=0.8, label="training", marker=marker)
    if curve.validation:
        x, y = zip(*curve.validation, strict=True)
        dashes = "-" if is_grey else style.MPL_DASHES[place % len(style.MPL_DASHES)]
        label = "validation" if one else plain(curve.label)
        axes.plot(x, y, color=colour, lw=3.0 if is_grey else 1.8, ls=dashes, label=label)
    if curve.best is not None:
        axes.plot(*curve.best, color=colour, marker="o", ms=7, mec="white", mew=1, zorder=5)


def _draw_state(axes: Axes, data: History, state: str) -> None:
    points = [p for p in data.points if p.state == state]
    if not points or data.limits is None:
        return
    low, high = data.limits
    scatter(
        axes,
        [(p.number, p.value) for p in points],
        data.limits,
        inset=0.025 * (high - low),
        s=34 if len(data.points) < 150 else 14,
        marker=style.MPL_MARKERS[state],
        color=style.STATE_COLOURS[state],
        alpha=0.8,
        linewidths=0,
        label=f"{state} ({len(points)})",
        zorder=3,
    )
