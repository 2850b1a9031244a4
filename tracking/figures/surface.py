"""Computes how the objective depends on two parameters together, smoothed over nearby trials."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from operator import mul

from tracking.figures.axes import CATEGORY, Axis
from tracking.figures.data import Landscape, Limits, within

_LEAST = 6
"""Trials that have both parameters, from which a surface says something."""
_CELLS = 30
_WIDTH = 0.1
_NEAR = math.exp(-2.0)
"""The weight of one trial at a distance of two widths; a place with less of it is left blank."""
_WRITTEN = 40
"""So many cells have room for their values."""


@dataclass(frozen=True)
class Surface:
    """The objective over two parameters.

    Attributes:
        across: Scale of the horizontal parameter.
        up: Scale of the vertical parameter.
        xs: Positions of the columns on the horizontal scale.
        ys: Positions of the rows on the vertical scale.
        values: For each row the mean value at each column; None where no trial is near.
        trials: Number, positions on both scales and value of each trial.
        minimize: Whether a lower value is better.
        colours: The values that the first and the last colour stand for. A few values may lie
            beyond them, which are far worse than the others.
    """

    across: Axis
    up: Axis
    xs: tuple[float, ...]
    ys: tuple[float, ...]
    values: tuple[tuple[float | None, ...], ...]
    trials: tuple[tuple[int, float, float, float], ...]
    minimize: bool
    colours: Limits

    @property
    def is_smooth(self) -> bool:
        """Whether both parameters are numbers, between whose values there are others."""
        return CATEGORY not in (self.across.kind, self.up.kind)

    @property
    def is_exact(self) -> bool:
        """Whether both parameters are choices, so that a cell has the trials of its own alone."""
        return self.across.kind == self.up.kind == CATEGORY

    @property
    def is_written(self) -> bool:
        """Whether the cells are few enough to have their values written in them."""
        return not self.is_smooth and len(self.xs) * len(self.ys) <= _WRITTEN


def surface(data: Landscape) -> Surface | None:
    """Compute the surface of the two most important parameters that six trials have together.

    The value at a place is the mean of the trials', weighted by a Gaussian function of the distance
    on the scales, whose standard deviation is a tenth of a scale (kernel regression of Nadaraya and
    Watson, 1964). Values of a choice are no neighbours of each other.

    Args:
        data: The trials and their scales, the most important parameter first.

    Returns:
        None where no two parameters have enough trials in common.
    """
    for across, up in combinations(data.axes, 2):
        known = [
            (number, x, y, value)
            for number, value, x, y in zip(
                data.numbers, data.values, across.positions, up.positions, strict=True
            )
            if x is not None and y is not None
        ]
        spread = [{x for _, x, _, _ in known}, {y for _, _, y, _ in known}]
        enough = len(known) >= _LEAST and all(len(places) > 1 for places in spread)
        if enough and data.limits is not None:
            return _smoothed(across, up, known, data)
    return None


def _smoothed(
    across: Axis, up: Axis, trials: Sequence[tuple[int, float, float, float]], data: Landscape
) -> Surface:
    """The surface of some trials, from their values as they are."""
    xs, ys = _cells(across), _cells(up)
    values = [value for _, _, _, value in trials]
    columns = [[_weight(across, x, each) for _, each, _, _ in trials] for x in xs]
    rows = [[_weight(up, y, each) for _, _, each, _ in trials] for y in ys]
    grid = []
    for row in rows:
        line = []
        for column in columns:
            weights = list(map(mul, row, column))
            total = sum(weights)
            line.append(sum(map(mul, weights, values)) / total if total >= _NEAR else None)
        grid.append(tuple(line))
    known = [value for line in grid for value in line if value is not None]
    ends = _colours(known, data)
    return Surface(across, up, xs, ys, tuple(grid), tuple(trials), data.minimize, ends)


def _colours(values: Sequence[float], data: Landscape) -> Limits:
    """The range of values that the colours tell apart: a few that are far worse lie beyond it."""
    assert data.limits is not None, "there is no trial to draw"
    low, high = (within(end, data.limits) for end in (min(values), max(values)))
    return (low, high) if low < high else data.limits


def _cells(axis: Axis) -> tuple[float, ...]:
    """The positions of columns or rows: those of the choices, or evenly spaced ones."""
    if axis.kind == CATEGORY:
        return tuple(place for place, _ in axis.ticks)
    return tuple(i / (_CELLS - 1) for i in range(_CELLS))


def _weight(axis: Axis, place: float, trial: float) -> float:
    if axis.kind == CATEGORY:
        return float(place == trial)
    return math.exp(-0.5 * ((place - trial) / _WIDTH) ** 2)
