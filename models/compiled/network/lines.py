"""The lines of a kernel, one for each unit of a layer's input, of the units that are on.

A line has as many weights as the layer above has units, padded to a multiple of sixteen. A kernel
that is turned has a line for each unit of the layer above: what comes back to a layer's input is a
sum of those, as what goes through it is of the others. Two lines are added at a time, since a
processor can begin a sum before the one before it is done.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

from models.compiled.lanes import nothing, put, take
from models.compiled.plan import Plan
from models.compiled.space import Space
from models.compiled.vectors import INSIDE, add

_NEXT = np.uint64(1)
_ONE, _TWO, _THREE, _FOUR = (np.uint64(16 * count) for count in (1, 2, 3, 4))


@numba.njit(**INSIDE)
def through(plan: Plan, p: Any, layer: Any, space: Space, row: Any) -> None:
    """A row's layer before its activation: its bias, plus the lines of the units that are on."""
    width, at = np.uint64(plan.widths[layer + 1]), np.uint64(row * plan.row + layer * plan.line)
    count = np.uint64(space.count[row * len(plan.units) + layer])
    kernel = (p, np.uint64(plan.kernels[layer]), width)
    _add_up(space.z, at, kernel, (space.h, space.on, at, at + count))
    add(space.z, at, p, plan.biases[layer], width)


@numba.njit(**INSIDE)
def back(plan: Plan, layer: Any, space: Space, row: Any) -> None:
    """From the slopes of a row's layer to those of its input, whose mask is left out."""
    width, at = turned_width(plan, layer), np.uint64(row * plan.row + layer * plan.line)
    above = at + np.uint64(plan.line)
    count = np.uint64(space.count[row * len(plan.units) + layer + 1])
    kernel = (space.turned, np.uint64(plan.turned[layer]), width)
    _add_up(space.back, at, kernel, (space.back, space.on, above, above + count))


@numba.njit(**INSIDE)
def _add_up(out: Any, into: Any, kernel: Any, units: Any) -> None:
    """Sum up the lines of some units, each times the unit's value.

    Args:
        out: The sums, overwritten from the place `into` on.
        into: A place, uint64.
        kernel: An array, the place of its first line, and a line's length.
        units: Values, and the units' numbers from one place to another; a unit's value is so many
            places from the first.
    """
    lines, place, width = kernel
    values, on, first, last = units
    column = np.uint64(0)
    while column + _FOUR <= width:
        _four(out, into, (lines, place + column, width), units)
        into, column = into + _FOUR, column + _FOUR
    while column + _TWO <= width:
        _two(out, into, (lines, place + column, width), units)
        into, column = into + _TWO, column + _TWO
    if column < width:
        a, place = nothing(lines), place + column
        for n in range(first, last):
            unit = np.uint64(on[n])
            a += values[first + unit] * take(lines, place + unit * width)
        put(out, into, a)


@numba.njit(**INSIDE)
def _four(out: Any, into: Any, kernel: Any, units: Any) -> None:
    """As `_add_up`, of the first four times sixteen columns."""
    lines, place, width = kernel
    values, on, first, last = units
    a, b, c, d = nothing(lines), nothing(lines), nothing(lines), nothing(lines)
    e, f, g, h = a, b, c, d
    n = first
    while n + _NEXT < last:
        one, two = np.uint64(on[n]), np.uint64(on[n + _NEXT])
        x, y = values[first + one], values[first + two]
        own, other = place + one * width, place + two * width
        a += x * take(lines, own)
        b += x * take(lines, own + _ONE)
        c += x * take(lines, own + _TWO)
        d += x * take(lines, own + _THREE)
        e += y * take(lines, other)
        f += y * take(lines, other + _ONE)
        g += y * take(lines, other + _TWO)
        h += y * take(lines, other + _THREE)
        n += np.uint64(2)
    if n < last:
        one = np.uint64(on[n])
        x, own = values[first + one], place + one * width
        a += x * take(lines, own)
        b += x * take(lines, own + _ONE)
        c += x * take(lines, own + _TWO)
        d += x * take(lines, own + _THREE)
    put(out, into, a + e)
    put(out, into + _ONE, b + f)
    put(out, into + _TWO, c + g)
    put(out, into + _THREE, d + h)


@numba.njit(**INSIDE)
def _two(out: Any, into: Any, kernel: Any, units: Any) -> None:
    """As `_add_up`, of the first two times sixteen columns."""
    lines, place, width = kernel
    values, on, first, last = units
    a, b, c, d = nothing(lines), nothing(lines), nothing(lines), nothing(lines)
    n = first
    while n + _NEXT < last:
        one, two = np.uint64(on[n]), np.uint64(on[n + _NEXT])
        x, y = values[first + one], values[first + two]
        own, other = place + one * width, place + two * width
        a += x * take(lines, own)
        b += x * take(lines, own + _ONE)
        c += y * take(lines, other)
        d += y * take(lines, other + _ONE)
        n += np.uint64(2)
    if n < last:
        one = np.uint64(on[n])
        x, own = values[first + one], place + one * width
        a += x * take(lines, own)
        b += x * take(lines, own + _ONE)
    put(out, into, a + c)
    put(out, into + _ONE, b + d)


@numba.njit(**INSIDE)
def add_lines(plan: Plan, layer: Any, space: Space, row: Any) -> None:
    """Add a row's slopes of a layer, times each unit of its input that is on, to its kernel's."""
    width, at = np.uint64(plan.widths[layer + 1]), np.uint64(row * plan.row + layer * plan.line)
    kernel, g, slopes = np.uint64(plan.kernels[layer]), space.gradient, space.back
    above = at + np.uint64(plan.line)
    last = at + np.uint64(space.count[row * len(plan.units) + layer])
    h, on, column = space.h, space.on, np.uint64(0)
    while column + _FOUR <= width:
        own = above + column
        a, b = take(slopes, own), take(slopes, own + _ONE)
        c, d = take(slopes, own + _TWO), take(slopes, own + _THREE)
        for n in range(at, last):
            unit = np.uint64(on[n])
            value, line = h[at + unit], kernel + unit * width + column
            put(g, line, take(g, line) + value * a)
            put(g, line + _ONE, take(g, line + _ONE) + value * b)
            put(g, line + _TWO, take(g, line + _TWO) + value * c)
            put(g, line + _THREE, take(g, line + _THREE) + value * d)
        column += _FOUR
    while column < width:
        a = take(slopes, above + column)
        for n in range(at, last):
            unit = np.uint64(on[n])
            line = kernel + unit * width + column
            put(g, line, take(g, line) + h[at + unit] * a)
        column += _ONE


@numba.njit(**INSIDE)
def turned_width(plan: Plan, layer: Any) -> Any:
    """The length of a line of a layer's turned kernel: the units of its input, padded."""
    return np.uint64((plan.widths[layer] + 15) // 16 * 16)


@numba.njit(**INSIDE)
def turn(plan: Plan, p: Any, layer: Any, space: Space) -> None:
    """Turn a layer's kernel, for `back`."""
    width, length = np.uint64(plan.widths[layer + 1]), turned_width(plan, layer)
    kernel, place = np.uint64(plan.kernels[layer]), np.uint64(plan.turned[layer])
    for unit in range(np.uint64(plan.units[layer + 1])):
        line = place + unit * length
        for i in range(np.uint64(plan.widths[layer])):
            space.turned[line + i] = p[kernel + i * width + unit]
