"""The lines of a kernel, one for each unit of a layer's input, of the units that are on.

A line has as many weights as the layer above has units, padded to a multiple of sixteen.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

from models.compiled.lanes import put, take, total
from models.compiled.plan import Plan
from models.compiled.space import Space
from models.compiled.vectors import INSIDE

_ONE, _TWO, _THREE, _FOUR = (np.uint64(16 * count) for count in (1, 2, 3, 4))


@numba.njit(**INSIDE)
def through(plan: Plan, p: Any, layer: Any, space: Space) -> None:
    """A layer before its activation: its bias, plus the lines of the units that are on."""
    width, at = np.uint64(plan.widths[layer + 1]), np.uint64(layer * plan.line)
    kernel, bias = np.uint64(plan.kernels[layer]), np.uint64(plan.biases[layer])
    z, h, on = space.z, space.h, space.on
    last, column = at + np.uint64(space.count[layer]), np.uint64(0)
    while column + _FOUR <= width:
        own = bias + column
        a, b = take(p, own), take(p, own + _ONE)
        c, d = take(p, own + _TWO), take(p, own + _THREE)
        for n in range(at, last):
            unit = np.uint64(on[n])
            value, line = h[at + unit], kernel + unit * width + column
            a += value * take(p, line)
            b += value * take(p, line + _ONE)
            c += value * take(p, line + _TWO)
            d += value * take(p, line + _THREE)
        put(z, at + column, a)
        put(z, at + column + _ONE, b)
        put(z, at + column + _TWO, c)
        put(z, at + column + _THREE, d)
        column += _FOUR
    while column + _TWO <= width:
        a, b = take(p, bias + column), take(p, bias + column + _ONE)
        for n in range(at, last):
            unit = np.uint64(on[n])
            value, line = h[at + unit], kernel + unit * width + column
            a += value * take(p, line)
            b += value * take(p, line + _ONE)
        put(z, at + column, a)
        put(z, at + column + _ONE, b)
        column += _TWO
    if column < width:
        a = take(p, bias + column)
        for n in range(at, last):
            unit = np.uint64(on[n])
            a += h[at + unit] * take(p, kernel + unit * width + column)
        put(z, at + column, a)


@numba.njit(**INSIDE)
def back(plan: Plan, p: Any, layer: Any, space: Space) -> None:
    """From a layer's slopes to its kernel's gradient and to the masked units that are on."""
    width, at = np.uint64(plan.widths[layer + 1]), np.uint64(layer * plan.line)
    kernel, g, slopes = np.uint64(plan.kernels[layer]), space.gradient, space.back
    above, last = at + np.uint64(plan.line), at + np.uint64(space.count[layer])
    h, on, column = space.h, space.on, np.uint64(0)
    while column + _FOUR <= width:
        own = above + column
        a, b = take(slopes, own), take(slopes, own + _ONE)
        c, d = take(slopes, own + _TWO), take(slopes, own + _THREE)
        for n in range(at, last):
            unit = np.uint64(on[n])
            value, line = h[at + unit], kernel + unit * width + column
            one = a * take(p, line) + b * take(p, line + _ONE)
            two = c * take(p, line + _TWO) + d * take(p, line + _THREE)
            put(g, line, take(g, line) + value * a)
            put(g, line + _ONE, take(g, line + _ONE) + value * b)
            put(g, line + _TWO, take(g, line + _TWO) + value * c)
            put(g, line + _THREE, take(g, line + _THREE) + value * d)
            slopes[at + unit] += total(one + two)
        column += _FOUR
    while column + _TWO <= width:
        a, b = take(slopes, above + column), take(slopes, above + column + _ONE)
        for n in range(at, last):
            unit = np.uint64(on[n])
            value, line = h[at + unit], kernel + unit * width + column
            one = a * take(p, line) + b * take(p, line + _ONE)
            put(g, line, take(g, line) + value * a)
            put(g, line + _ONE, take(g, line + _ONE) + value * b)
            slopes[at + unit] += total(one)
        column += _TWO
    if column < width:
        a = take(slopes, above + column)
        for n in range(at, last):
            unit = np.uint64(on[n])
            line = kernel + unit * width + column
            slopes[at + unit] += total(a * take(p, line))
            put(g, line, take(g, line) + h[at + unit] * a)
