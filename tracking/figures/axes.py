"""Computes the scales of figures: the position of each value, the ticks and the axis range."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from tracking.records import Scalar

LINEAR, LOG, CATEGORY = "linear", "log", "category"
_LOG_RATIO = 30.0
_FEW = 6


@dataclass(frozen=True)
class Axis:
    """The scale of one parameter in a figure; it maps each value to a position from 0 to 1.

    Attributes:
        name: The parameter.
        kind: "linear", "log" or "category".
        positions: Position of every value, from 0 to 1; None for a value that has none.
        ticks: Position and text of every tick.
    """

    name: str
    kind: str
    positions: tuple[float | None, ...]
    ticks: tuple[tuple[float, str], ...]


def axis_of(name: str, values: Sequence[Scalar]) -> Axis:
    """Choose the scale that fits the values of a parameter.

    The scale is logarithmic for powers of two that cover a factor of 8 or more, and for positive
    numbers that cover more than a factor of 30 and are mostly small. Other numbers lie on a
    linear scale: 1, 2 and 5 lie at 0, 0.25 and 1. Each text or truth value gets a
    position. None, NaN and infinities have no position.

    Args:
        name: The parameter.
        values: One for each trial.
    """
    known = [value for value in values if _is_known(value)]
    floats = [_number(value) for value in values]
    numbers = [number for number in floats if number is not None]
    if not known or len(numbers) < len(known):
        return _category_axis(name, values)
    low, high = min(numbers), max(numbers)
    log = _is_spread(sorted(numbers))
    places = tuple(None if x is None else _place(x, low, high, log=log) for x in floats)
    ticks = tuple(
        (_place(tick, low, high, log=log), format(tick, ".4g"))
        for tick in _ticks(sorted(set(numbers)), log=log)
    )
    return Axis(name, LOG if log else LINEAR, places, ticks)


def robust_limits(values: Sequence[float], *, minimize: bool = True) -> tuple[float, float] | None:
    """Choose the range of an axis so that a few very bad values do not flatten the others.

    The range begins at the best value. It ends at the worst value, but no further beyond the
    median than four times the distance from the best value to the median. The RMSEs 0.9, 1.0,
    1.1 and 3.4 have the median 1.1 (the upper one of two), at a distance of 0.2 from the best
    value. So the range ends at 1.1 + 4 * 0.2 = 1.9, and with a margin of 6 % on both sides it
    is (0.84, 1.96). Where the median equals the best value, nothing is cut off.

    Args:
        values: The values that are drawn.
        minimize: Whether a lower value is better.

    Returns:
        Low and high with a margin, low < high; None where no value is finite.
    """
    finite = sorted(value for value in values if math.isfinite(value))
    if not finite:
        return None
    low, high = finite[0], finite[-1]
    middle = finite[len(finite) // 2]
    if minimize:
        high = min(high, middle + 4 * (middle - low)) if middle > low else high
    else:
        low = max(low, middle - 4 * (high - middle)) if high > middle else low
    margin = 0.06 * (high - low) or 0.05 * abs(high) or 0.05
    return low - margin, high + margin


def _category_axis(name: str, values: Sequence[Scalar]) -> Axis:
    labels = sorted({str(value) for value in values if _is_known(value)})
    step = 1.0 / (len(labels) - 1) if len(labels) > 1 else 0.0
    place = {label: i * step if step else 0.5 for i, label in enumerate(labels)}
    places = tuple(place[str(value)] if _is_known(value) else None for value in values)
    return Axis(name, CATEGORY, places, tuple((place[label], label) for label in labels))


def _number(value: Scalar) -> float | None:
    if not _is_known(value) or isinstance(value, bool | str) or value is None:
        return None
    return float(value)


def _is_known(value: Scalar) -> bool:
    if value is None:
        return False
    return not isinstance(value, float) or math.isfinite(value)


def _is_spread(ordered: list[float]) -> bool:
    """Whether a logarithmic scale spreads the values more evenly than a linear scale.

    A wide range alone does not tell: uniform draws from 0 to 1 span decades too. But the median
    of uniform draws lies in the middle of a linear scale, and the median of log-uniform draws
    lies in the middle of a logarithmic scale.
    """
    low, high = ordered[0], ordered[-1]
    if low <= 0 or high == low:
        return False
    if high / low >= 8 and all(math.log2(number).is_integer() for number in ordered):
        return True
    middle = ordered[len(ordered) // 2]
    off_straight = abs(_place(middle, low, high, log=False) - 0.5)
    off_log = abs(_place(middle, low, high, log=True) - 0.5)
    return high / low > _LOG_RATIO and off_log < off_straight


def _place(value: float, low: float, high: float, *, log: bool) -> float:
    if high == low:
        return 0.5
    if log:
        return math.log(value / low) / math.log(high / low)
    return (value - low) / (high - low)


def _ticks(distinct: list[float], *, log: bool) -> list[float]:
    if len(distinct) <= _FEW:
        return distinct
    low, high = distinct[0], distinct[-1]
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1) if log else ()
    for factors, enough in (((1.0,), 2), ((1.0, 3.0), 3), ((1.0, 2.0, 5.0), 3)):
        ticks = [f * 10.0**d for d in decades for f in factors if low <= f * 10.0**d <= high]
        if len(ticks) >= enough:
            return ticks
    return [low, math.sqrt(low * high), high] if log else _round_ticks(low, high)


def _round_ticks(low: float, high: float) -> list[float]:
    """Choose at least three round numbers in a range as ticks: 0, 5 and 10 for 0 to 10."""
    unit = 10.0 ** math.floor(math.log10(high - low))
    for factor in (5.0, 2.5, 2.0, 1.0, 0.5, 0.25, 0.2):
        step = factor * unit
        first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
        if last - first >= 2:
            return [i * step for i in range(first, last + 1)]
    return [low, (low + high) / 2, high]
