"""Colours, markers and texts of all figures; colour-blind readers can tell the colours apart."""

from __future__ import annotations

from tracking.records.study import ENOUGH
from tracking.states import COMPLETE, FAILED, KILLED, PRUNED, REFUSED, RUNNING

BLUE, ORANGE, GREEN, RED = "#0072B2", "#E69F00", "#009E73", "#D55E00"
PINK, SKY, INK, GREY, LIGHT = "#CC79A7", "#56B4E9", "#222222", "#767676", "#DDDDDD"
LINES = (BLUE, RED, GREEN, PINK, ORANGE)
DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")
"""Tell lines apart where there is no colour; together with `LINES` thirty of them."""
MPL_DASHES = ("-", "--", ":", "-.", (0, (9, 3)), (0, (9, 3, 2, 3)))
"""The same for matplotlib."""
SYMBOLS = ("circle", "square", "diamond", "triangle-up", "cross", "x", "star", "hexagon")

STATES = (COMPLETE, PRUNED, REFUSED, FAILED, KILLED, RUNNING)
STATE_COLOURS: dict[str, str] = {
    COMPLETE: BLUE,
    PRUNED: ORANGE,
    REFUSED: PINK,
    FAILED: RED,
    KILLED: GREY,
    RUNNING: SKY,
}
MPL_MARKERS: dict[str, str] = {
    COMPLETE: "o",
    PRUNED: "v",
    REFUSED: "P",
    FAILED: "X",
    KILLED: "s",
    RUNNING: "D",
}
PLOTLY_MARKERS: dict[str, str] = {
    COMPLETE: "circle",
    PRUNED: "triangle-down",
    REFUSED: "cross",
    FAILED: "x",
    KILLED: "square",
    RUNNING: "diamond",
}
PLOTLY_ARROWS = {1: "arrow-up", -1: "arrow-down"}
"""Mark values above (1) and below (-1) an axis, at whose edge they are drawn."""
_ARROW = ((-0.3, -1.0), (0.3, -1.0), (0.3, 0.0), (0.9, 0.0), (0.0, 1.0), (-0.9, 0.0), (-0.3, 0.0))
MPL_ARROWS = {way: [(x, way * y) for x, y in _ARROW] for way in (1, -1)}
"""The same for matplotlib, as corners; no state has such a marker."""
PATTERNS: dict[str, str] = {
    COMPLETE: "",
    PRUNED: "/",
    REFUSED: "+",
    FAILED: "x",
    KILLED: ".",
    RUNNING: "-",
}
"""Hatches of bars, which tell states apart where there is no colour."""

TITLES = {
    "history": "Every trial and the best so far",
    "importances": "How much each parameter matters",
    "parallel_coordinates": "Complete trials across their parameters",
    "slice": "The objective against each parameter",
    "learning_curves": "Learning curves of the best trials",
}
MOST_LETTERS = 110
"""So many letters of a name have room in a title."""

NEEDS_TWO = "needs 2 complete trials"
NEEDS_MANY = f"needs {ENOUGH} complete trials"
NEEDS_ONE = "needs 1 trial with a value"
NEEDS_CURVE = "needs 1 complete trial with epochs"


def cut(text: str, most: int = MOST_LETTERS) -> str:
    """Cut a text to so many characters; the last one then shows that there were more."""
    return text if len(text) <= most else text[: most - 1] + "…"
