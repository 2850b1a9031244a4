"""A figure of the report, and its HTML: what plotly draws, with a caption that says it in words."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tracking.figures.data import Limits, beyond
from tracking.report.markup import Html, count, tag

_DIGITS = 7


@dataclass(frozen=True, kw_only=True, slots=True)
class Figure:
    """One figure.

    Attributes:
        name: Part of its identifier on the page.
        title: Its heading.
        caption: What it shows, in words, from the data.
        plot: As plotly takes it; None where there is too little to show, which the caption says.
        height: In pixels.
        is_small: Whether several of them stand side by side.
        least_width: In pixels; where there is less room, it scrolls in a box of its own. 0 where it
            fits everywhere.
    """

    name: str
    title: str
    caption: str
    plot: Mapping[str, Any] | None = None
    height: int = 420
    is_small: bool = False
    least_width: int = 0

    def html(self, key: str) -> Html:
        """The figure with its heading and caption.

        Args:
            key: Its identifier on the page, by which the script finds what to draw.
        """
        title, caption = tag("h4", self.title), tag("figcaption", self.caption)
        kind = "small" if self.is_small else None
        if self.plot is None:
            return tag("figure", title, caption, class_="lacking")
        drawn = tag(
            "div",
            class_="plot",
            id=key,
            role="img",
            aria_label=f"{self.title}. {self.caption}",
            style=f"height:{self.height}px"
            + (f";min-width:{self.least_width}px" if self.least_width else ""),
        )
        if self.least_width:
            drawn = tag(
                "div", drawn, class_="wide", role="group", aria_label=self.title, tabindex="0"
            )
        return tag("figure", title, drawn, caption, class_=kind)


def at_edge(values: Sequence[float], limits: Limits) -> str:
    """A sentence on the values that lie outside an axis; empty where there is none.

    Example:
        >>> at_edge([0.9, 1.0, 7.0], (0.8, 1.1))
        '1 value beyond the axis is drawn at its edge, as an arrow.'
    """
    outside = beyond(values, limits)
    if not outside:
        return ""
    drawn, arrows = ("is drawn", "an arrow") if outside == 1 else ("are drawn", "arrows")
    return f"{count(outside, 'value')} beyond the axis {drawn} at its edge, as {arrows}."


def as_script_data(value: Any) -> Html:
    r"""Write plain values as JSON that no page can mistake for the end of its script.

    Numbers have seven digits, which no screen shows more of, and what is no number is null.

    Example:
        >>> print(as_script_data({"name": "</script>", "x": [0.1 + 0.2, float("nan")]}))
        {"name":"\u003c/script\u003e","x":[0.3,null]}
    """
    text = json.dumps(_plain(value), separators=(",", ":"), allow_nan=False)
    for letter in "<>&":
        text = text.replace(letter, f"\\u{ord(letter):04x}")
    return Html(text)


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return float(f"{value:.{_DIGITS}g}") if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(name): _plain(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return value if value is None or isinstance(value, bool | int) else str(value)
