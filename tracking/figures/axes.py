"""Computes the scales of figures: the position of each value, the ticks and the axis range."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from tracking.records import ParameterRecord, Scalar
from tracking.texts import short_number

LINEAR, LOG, MIRRORED, CATEGORY = "linear", "log", "mirrored", "category"
_LOG_RATIO = 30.0
_FEW = 6
_MOST_DECADES = 6


@dataclass(frozen=True)
class Axis:
    """The scale of one parameter in a figure; it maps each value to a position from 0 to 1.

    Attributes:
        name: The parameter.
        kind: "linear", "log", "mirrored" (logarithmic from the other end) or "category".
        positions: Position of every value, from 0 to 1; None for a value that has none.
        ticks: Position and text of every tick.
    """

    name: str
    kind: str
    positions: tuple[float | None, ...]
    ticks: tuple[tuple[float, str], ...]

    @property
    def label(self) -> str:
        """The parameter's name, and its scale where that is not the usual one."""
        scales = {LOG: " (log scale)", MIRRORED: " (log scale from the top)"}
        return self.name + scales.get(self.kind, "")


@dataclass(frozen=True)
class _Scale:
    """Maps the numbers of a range to positions."""

    low: float
    high: float
    kind: str = LINEAR

    def place(self, value: float) -> float:
        """The position of a number of the range: 0 for the least, 1 for the greatest."""
        if self.high == self.low:
            return 0.5
        if self.kind == LOG:
            return math.log(value / self.low) / math.log(self.high / self.low)
        if self.kind == MIRRORED:
            return 1.0 - replace(self, kind=LOG).place(self.low + self.high - value)
        return (value - self.low) / (self.high - self.low)

    def value(self, place: float) -> float:
        """The number at a position; it undoes `place`."""
        if self.kind == LOG:
            return float(self.low * (self.high / self.low) ** place)
        if self.kind == MIRRORED:
            return self.low + self.high - replace(self, kind=LOG).value(1.0 - place)
        return self.low + place * (self.high - self.low)


def axis_of(name: str, values: Sequence[Scalar], space: Sequence[ParameterRecord] = ()) -> Axis:
    """Choose the scale of a parameter: the one that was declared, else one that fits its values.

    Declared choices keep their order, and declared ranges their ends and their scale. Both are
    widened by values beyond them, which a baseline may have. Of what was not declared, the scale
    is logarithmic for powers of two that cover a factor of 8 or more, and for positive numbers
    that cover more than a factor of 30 and are mostly small. Other numbers lie on a linear scale:
    1, 2 and 5 lie at 0, 0.25 and 1. Each text or truth value gets a position. None, NaN and
    infinities have no position.

    Args:
        name: The parameter.
        values: One for each trial.
        space: What the study declared; it may lack the parameter.
    """
    known = [value for value in values if _is_known(value)]
    floats = [_number(value) for value in values]
    numbers = [number for number in floats if number is not None]
    declared = [each for each in space if each.name == name and each.kind != "fixed"]
    if not known or len(numbers) < len(known) or _has_choices(declared):
        return _category_axis(name, values, declared)
    scale = _declared_scale(declared, numbers) or _fitting_scale(numbers)
    places = tuple(None if x is None else scale.place(x) for x in floats)
    ticks = tuple((scale.place(t), short_number(t)) for t in _ticks_of(scale, numbers, declared))
    return Axis(name, scale.kind, places, ticks)


def robust_limits(
    values: Sequence[float], *, minimize: bool = True, within: Sequence[float] = ()
) -> tuple[float, float] | None:
    """Choose the range of an axis so that a few very bad values do not flatten the others.

    The range begins at the best value. It ends at the worst value, but no further beyond the
    median than four times the distance from the best value to the median. The RMSEs 0.9, 1.0,
    1.1 and 3.4 have the median 1.1 (the upper one of two), at a distance of 0.2 from the best
    value. So the range ends at 1.1 + 4 * 0.2 = 1.9, and with a margin of 6 % on both sides it
    is (0.84, 1.96). Where the median equals the best value, nothing is cut off.

    Args:
        values: The values that are drawn.
        minimize: Whether a lower value is better.
        within: Values that the range holds however far away they are, say the baseline's.

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
    kept = [value for value in within if math.isfinite(value)]
    low, high = min([low, *kept]), max([high, *kept])
    margin = 0.06 * (high - low) or 0.05 * abs(high) or 0.05
    return low - margin, high + margin


def _has_choices(declared: Sequence[ParameterRecord]) -> bool:
    return any(not each.is_number for each in declared)


def _category_axis(
    name: str, values: Sequence[Scalar], declared: Sequence[ParameterRecord]
) -> Axis:
    """Give each choice a position: the declared ones in their order, then others that there are."""
    found = {_choice(value) for value in values if _is_known(value)}
    offered = dict.fromkeys(_choice(value) for each in declared for value in each.values)
    labels = [*offered, *sorted(found - set(offered))]
    step = 1.0 / (len(labels) - 1) if len(labels) > 1 else 0.0
    place = {label: i * step if step else 0.5 for i, label in enumerate(labels)}
    places = tuple(place[_choice(value)] if _is_known(value) else None for value in values)
    return Axis(name, CATEGORY, places, tuple((place[label], label) for label in labels))


def _choice(value: Scalar) -> str:
    """The text of a choice; 7.0 and 7 are the same."""
    whole = isinstance(value, float) and math.isfinite(value) and value.is_integer()
    return str(int(value)) if whole and isinstance(value, float) else str(value)


def _declared_scale(declared: Sequence[ParameterRecord], numbers: Sequence[float]) -> _Scale | None:
    """The scale of a declared range, widened by numbers beyond it; None where there is none.

    Several parameters of one name, of which a configuration has one, share a scale. There is none
    either where a number has no place on a logarithmic scale.
    """
    scales = {each.scale for each in declared}
    if len(scales) != 1:
        return None
    ends = [float(end) for p in declared for end in (p.low, p.high) if end is not None]
    low, high = min(*ends, *numbers), max(*ends, *numbers)
    kind = {"log": LOG, "mirrored log": MIRRORED}.get(scales.pop(), LINEAR)
    if kind != LINEAR and (low <= 0 or high == low):
        return None
    return _Scale(low, high, kind)


def _fitting_scale(numbers: Sequence[float]) -> _Scale:
    return _Scale(min(numbers), max(numbers), LOG if _is_spread(sorted(numbers)) else LINEAR)


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
    off_straight = abs(_Scale(low, high).place(middle) - 0.5)
    off_log = abs(_Scale(low, high, LOG).place(middle) - 0.5)
    return high / low > _LOG_RATIO and off_log < off_straight


def _ticks_of(
    scale: _Scale, numbers: Sequence[float], declared: Sequence[ParameterRecord]
) -> list[float]:
    """The values of a scale's ticks: the numbers themselves where they are few, else round ones."""
    if not declared:
        return _ticks(sorted(set(numbers)), scale.kind)
    whole = all(each.kind == "int" for each in declared)
    if whole and scale.kind == LINEAR and scale.high - scale.low < _FEW:
        return [scale.low + i for i in range(int(scale.high - scale.low) + 1)]
    if scale.kind == MIRRORED:
        return [scale.low, scale.value(0.5), scale.high]
    return _ticks([scale.low, scale.high], scale.kind, few=False)


def _ticks(distinct: list[float], kind: str, *, few: bool = True) -> list[float]:
    if (few and len(distinct) <= _FEW) or distinct[0] == distinct[-1]:
        return distinct[:_FEW]
    low, high = distinct[0], distinct[-1]
    if kind != LOG:
        return _round_ticks(low, high)
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for factors, enough in (((1.0,), 2), ((1.0, 3.0), 3), ((1.0, 2.0, 5.0), 3)):
        ticks = [f * 10.0**d for d in decades for f in factors if low <= f * 10.0**d <= high]
        if len(ticks) >= enough:
            return ticks[:: -(-len(ticks) // _MOST_DECADES)]
    return [low, math.sqrt(low * high), high]


def _round_ticks(low: float, high: float) -> list[float]:
    """Choose at least three round numbers in a range as ticks: 0, 5 and 10 for 0 to 10."""
    unit = 10.0 ** math.floor(math.log10(high - low))
    for factor in (5.0, 2.5, 2.0, 1.0, 0.5, 0.25, 0.2):
        step = factor * unit
        first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
        if last - first >= 2:
            return [i * step for i in range(first, last + 1)]
    return [low, (low + high) / 2, high]
