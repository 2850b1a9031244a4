"""One row's gradients, from the output back to the tables."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

from models.compiled.activations import RELU, has_lanes, slope, slope_lanes
from models.compiled.lanes import COUNT, put, take
from models.compiled.network.lines import back
from models.compiled.plan import NONE, Plan
from models.compiled.space import Space
from models.compiled.vectors import INSIDE, add, add_times, dot, fill

_LANES = np.uint64(COUNT)


@numba.njit(**INSIDE)
def backward(plan: Plan, p: Any, movie: Any, user: Any, space: Space, along: Any) -> None:
    """Add one row's gradients, after `forward` on the same row.

    Args:
        plan: The network.
        p: Its weights.
        movie: The row's movie.
        user: The row's user.
        space: The share's memory.
        along: The loss by the number before the output's activation.
    """
    depth, shared = len(plan.units) - 1, len(space.first) > 0
    if depth >= 0:
        _back_to_top(plan, p, depth, space, along)
        for layer in range(depth - 1, -1, -1):
            if layer == 0 and shared:
                width = plan.widths[1]
                add(space.first, movie * width, space.back, plan.line, width)
                add(space.first, (plan.movies + user) * width, space.back, plan.line, width)
            else:
                _back_through(plan, p, layer, space)
        if not shared:
            place, g = plan.movie_vectors + movie * plan.movie_size, space.gradient
            add(g, place, space.back, 0, plan.movie_size)
            place = plan.user_vectors + user * plan.user_size
            add(g, place, space.back, plan.movie_size, plan.user_size)
    if plan.factors > 0:
        _back_to_factors(plan, p, movie, user, space, along)


@numba.njit(**INSIDE)
def _unbend(plan: Plan, layer: Any, space: Space) -> None:
    """From the loss by a layer's units to that by the units before their activation."""
    at = np.uint64(layer * plan.line)
    if layer == 0 or plan.activation == RELU:  # whose units that are on have a slope of 1
        return
    below, back = at - np.uint64(plan.line), space.back
    if has_lanes(plan.activation):
        for i in range(np.uint64(0), np.uint64(plan.widths[layer]), _LANES):
            slopes = slope_lanes(plan.activation, take(space.z, below + i))
            put(back, at + i, slopes * take(back, at + i))
        return
    for n in range(at, at + np.uint64(space.count[layer])):
        unit = np.uint64(space.on[n])
        value = space.h[at + unit] / space.kept[at + unit]
        own = slope(plan.activation, space.z[below + unit], value)
        back[at + unit] *= space.z.dtype.type(own)


@numba.njit(**INSIDE)
def _back_to_top(plan: Plan, p: Any, depth: Any, space: Space, along: Any) -> None:
    """From the output to the last layer, or to the input where there is no layer."""
    at = depth * plan.line
    space.gradient[plan.score_bias] += along
    fill(space.back, at, plan.widths[depth], along * 0)
    for n in range(at, at + space.count[depth]):
        unit = space.on[n]
        space.gradient[plan.score_kernel + unit] += along * space.h[at + unit]
        space.back[at + unit] = along * p[plan.score_kernel + unit] * space.kept[at + unit]
    _unbend(plan, depth, space)


@numba.njit(**INSIDE)
def _back_through(plan: Plan, p: Any, layer: Any, space: Space) -> None:
    """From a layer, number `layer` + 1, to its input."""
    width, at = plan.widths[layer + 1], layer * plan.line
    fill(space.back, at, plan.widths[layer], p.dtype.type(0))
    add(space.gradient, plan.biases[layer], space.back, at + plan.line, width)
    back(plan, p, layer, space)
    first = np.uint64(at)
    for i in range(first, first + np.uint64(plan.widths[layer])):
        space.back[i] *= space.kept[i]
    _unbend(plan, layer, space)


@numba.njit(**INSIDE)
def _back_to_factors(plan: Plan, p: Any, movie: Any, user: Any, space: Space, along: Any) -> None:
    """Add one row's gradients of the product, its weights and the biases."""
    g, kernel = space.gradient, np.uint64(plan.product_kernel)
    one = np.uint64(plan.movie_factors + movie * plan.factors)
    other = np.uint64(plan.user_factors + user * plan.factors)
    for k in range(np.uint64(plan.factors)):
        own = along * space.product[k]
        a, b, w = p[one + k], p[other + k], p[kernel + k]
        g[kernel + k] += own * a * b
        g[one + k] += own * w * b
        g[other + k] += own * w * a
    g[plan.movie_bias + movie] += along
    g[plan.user_bias + user] += along
    if plan.product_bias != NONE:
        g[plan.product_bias] += along


@numba.njit(**INSIDE)
def pull(plan: Plan, p: Any, movie: Any, user: Any, space: Space, weight: Any) -> None:
    """Add the gradient of one rating's penalty to all vectors and biases that it looks up.

    Args:
        plan: The network.
        p: Its weights.
        movie: The row's movie.
        user: The row's user.
        space: The share's memory; the squares of those vectors are added to its `wrong[1]`.
        weight: 2 / (rows of the batch).
    """
    along, squares = p.dtype.type(plan.l2_rating * weight), p.dtype.type(0)
    for place, size in (
        (plan.movie_vectors + movie * plan.movie_size, plan.movie_size),
        (plan.user_vectors + user * plan.user_size, plan.user_size),
        (plan.movie_factors + movie * plan.factors, plan.factors),
        (plan.user_factors + user * plan.factors, plan.factors),
        (plan.movie_bias + movie, 1 if plan.factors > 0 else 0),
        (plan.user_bias + user, 1 if plan.factors > 0 else 0),
    ):
        squares += dot(p, place, p, place, size)
        add_times(space.gradient, place, along, p, place, size)
    space.wrong[1] += squares
