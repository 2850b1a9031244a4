"""Makes, labels and saves matplotlib figures without touching matplotlib's global state."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tracking.figures import style
from tracking.figures.data import Limits, beyond, side
from tracking.texts import visible

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.ticker import Formatter

_DPI = 110
_WIDTH, HEIGHT = 900 / _DPI, 560 / _DPI


def new_figure(title: str, *, height: float = HEIGHT) -> tuple[Figure, Axes]:
    """Make a figure with one empty plot and a title; the height is in inches."""
    figure = blank(height)
    axes = figure.add_subplot()
    tidy(axes)
    set_title(axes, title)
    return figure, axes


def set_title(axes: Axes, title: str) -> None:
    """Put a title above a plot, at the left and at a fixed height.

    Without the height matplotlib would look for a free one, which takes a while.
    """
    look = {"fontsize": 12, "color": style.INK, "fontweight": "bold"}
    axes.set_title(plain(title, style.MOST_LETTERS), loc="left", pad=12, y=1.0, **look)  # type: ignore[arg-type]


def blank(height: float) -> Figure:
    """Make an empty figure of the usual width; the height is in inches."""
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    layout = ConstrainedLayoutEngine(h_pad=0.09, w_pad=0.09)
    return Figure(figsize=(_WIDTH, height), layout=layout, facecolor="white")


def save(figure: Figure, path: Path) -> None:
    """Write a figure to a PNG file; its folder is made if need be."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # Packed tighter, it would take four times as long for a few kilobytes.
    figure.savefig(path, dpi=_DPI, format="png", pil_kwargs={"compress_level": 1})


def save_usual(figure: Figure, path: Path) -> None:
    """Write a figure that has one plot and a legend below the plot, with fixed margins.

    For other figures matplotlib measures the margins, which draws everything twice. Fixed
    margins save that time for the learning curve, which is drawn for each trial.
    """
    figure.set_layout_engine(None)
    figure.subplots_adjust(left=0.09, right=0.98, bottom=0.19, top=0.91)
    save(figure, path)


def message(title: str, text: str) -> Figure:
    """Draw a text in place of a figure that has nothing to show yet."""
    figure, axes = new_figure(title)
    axes.set_axis_off()
    axes.text(0.5, 0.5, plain(text), ha="center", va="center", fontsize=13, color=style.GREY)
    return figure


def tidy(axes: Axes) -> None:
    """Style a plot: no top or right border, a pale grid behind the data, small numbers."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(style.GREY)
    axes.grid(True, color=style.LIGHT, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.tick_params(labelsize=9, colors=style.INK, length=3)


def whole_numbers(axes: Axes) -> None:
    """Put ticks at whole numbers only on the horizontal axis."""
    from matplotlib.ticker import MaxNLocator

    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))


def percent() -> Formatter:
    """Make a formatter of ticks that writes fractions as whole percents: 0.25 as 25%."""
    from matplotlib.ticker import PercentFormatter

    return PercentFormatter(1.0, decimals=0)


def scatter(
    axes: Axes,
    points: Sequence[tuple[float, float | None]],
    limits: Limits,
    *,
    inset: float = 0.0,
    **look: Any,
) -> None:
    """Draw points; a value beyond the vertical axis is an arrow at its edge.

    Args:
        axes: The plot.
        points: Place and value of each point; one without a value lies at the bottom.
        limits: Range of the vertical axis.
        inset: How far inside the edge the arrows lie, and the points without a value.
        look: More of matplotlib's settings, `s` (the area) among them. A label is that of the
            points on the axis.
    """
    low, high = limits
    edges = {1: high - inset, -1: low + inset}
    area = look.pop("s")
    for way in (0, 1, -1):
        found = [(x, y) for x, y in points if (0 if y is None else side(y, limits)) == way]
        if way:
            look |= {"marker": style.MPL_ARROWS[way], "label": None}
        if found or (not way and "label" in look):  # the legend shows the usual marker
            heights = [edges.get(way, edges[-1] if y is None else y) for _, y in found]
            # An arrow is slim, so that it needs more room to be seen.
            axes.scatter([x for x, _ in found], heights, s=area * (2.5 if way else 1), **look)


def note_beyond(
    axes: Axes, values: Sequence[float], limits: Limits, *, arrows: bool = False
) -> None:
    """Write above the plot how many values lie outside the vertical axis, as arrows or not seen."""
    count = beyond(values, limits)
    if count:
        text = f"{count} of {len(values)} values lie beyond the axis{' (arrows)' * arrows}"
        place = {"transform": axes.transAxes, "ha": "right", "va": "bottom"}
        axes.text(1.0, 1.01, text, fontsize=8, color=style.GREY, **place)  # type: ignore[arg-type]


def legend(figure: Figure, axes: Axes) -> None:
    """Put the legend below the plot, where it hides no data."""
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(
        handles,
        labels,
        loc="outside lower center",
        ncols=min(len(labels), 4),
        fontsize=9,
        frameon=False,
    )


def set_suptitle(figure: Figure, title: str) -> None:
    """Put a title above all plots of a figure, at the left."""
    look = {"fontsize": 12, "color": style.INK, "fontweight": "bold"}
    figure.suptitle(plain(title, style.MOST_LETTERS), x=0.02, ha="left", **look)


def plain(text: str, most: int = 40) -> str:
    """A name for matplotlib to write as it is, cut to so many characters that there is room.

    Between two dollar signs matplotlib would read TeX. A character that cannot be seen is written
    as Python writes it, and so is one that the font lacks.
    """
    shown = style.cut(visible(text), most)
    return _in_font(shown).replace("$", r"\$")


def cut(text: str) -> str:
    """Cut a tick's text to 14 characters, so that it does not run into its neighbour."""
    return plain(text, 14)


def _in_font(text: str) -> str:
    """A text in which each character that the font lacks is written by its number."""
    if text.isascii():
        return text
    known = _letters()
    return "".join(letter if ord(letter) in known else _escaped(letter) for letter in text)


def _escaped(letter: str) -> str:
    return letter.encode("unicode_escape").decode()


@cache
def _letters() -> frozenset[int]:
    """The characters, by number, that the usual font has."""
    from matplotlib.font_manager import findfont, get_font

    return frozenset(get_font(findfont("DejaVu Sans")).get_charmap())
