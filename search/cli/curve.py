"""A learning curve in a few letters."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence

from search.cli.signs import has_signs

_BLOCKS, _PLAIN = "▁▂▃▄▅▆▇█", "_.-~=+*#"
_SPREAD = 4.0


def small_curve(values: Sequence[float], width: int = 24, *, encoding: str | None = None) -> str:
    """Draw values as letters of growing height, the least as the lowest.

    Of more values than letters each letter is one of them, at equal distances, the first and the
    last among them. What lies far above the others is drawn at the top, so that a bad first epoch
    does not flatten the rest. A value that is no finite number is a question mark.

    Args:
        values: The values, in their order.
        width: Letters at most.
        encoding: Of the terminal; None for that of standard output. ASCII stands for what it lacks.

    Example:
        >>> small_curve([4, 3, 2, 1, 1], encoding="utf-8"), small_curve([2, 1], encoding="ascii")
        ('█▆▃▁▁', '#_')
    """
    steps = _BLOCKS if has_signs(encoding or sys.stdout.encoding or "", _BLOCKS) else _PLAIN
    if len(values) > width > 1:
        places = [round(n * (len(values) - 1) / (width - 1)) for n in range(width)]
        values = [values[place] for place in places]
    known = sorted(value for value in values if math.isfinite(value))
    if not known:
        return "?" * len(values)
    low = known[0]
    high = min(known[-1], low + _SPREAD * (known[len(known) // 2] - low)) or known[-1]
    high = high if high > low else known[-1]
    return "".join(_letter(value, low, high, steps) for value in values)


def _letter(value: float, low: float, high: float, steps: str) -> str:
    if not math.isfinite(value):
        return "?"
    share = 0.0 if high == low else min((value - low) / (high - low), 1.0)
    return steps[round(share * (len(steps) - 1))]
