"""One row's gradients, from the output back to the tables."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

from models.compiled.activations import RELU, slope
from models.compiled.network.lines import back
from models.compiled.plan import NONE, Plan
from models.compiled.space import Space
from models.compiled.vectors import INSIDE, add, add_times, dot, fill


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
def _set_back(plan: Plan, layer: Any, unit: Any, value: Any, space: Space) -> None:
    """Store the loss by a unit before its activation, given the loss by its masked value."""
    at = layer * plan.line + unit
    kept = space.kept[at]
    if layer > 0 and plan.activation != RELU:
        z = space.z[at - plan.line]
        value *= space.z.dtype.type(slope(plan.activation, z, space.h[at] / kept))
    space.back[at] = value * kept


@numba.njit(**INSIDE)
def _back_to_top(plan: Plan, p: Any, depth: Any, space: Space, along: Any) -> None:
    """From the output to the last layer, or to the input where there is no layer."""
    at = depth * plan.line
    space.gradient[plan.score_bias] += along
    fill(space.back, at, plan.widths[depth], along * 0)
    for n in range(at, at + space.count[depth]):
        unit = space.on[n]
        space.gradient[plan.score_kernel + unit] += along * space.h[at + unit]
        _set_back(plan, depth, unit, along * p[plan.score_kernel + unit], space)


@numba.njit(**INSIDE)
def _back_through(plan: Plan, p: Any, layer: Any, space: Space) -> None:
    """From a layer, number `layer` + 1, to its input."""
    width, at = plan.widths[layer + 1], layer * plan.line
    fill(space.back, at, plan.widths[layer], p.dtype.type(0))
    add(space.gradient, plan.biases[layer], space.back, at + plan.line, width)
    back(plan, p, layer, space)
    if layer == 0 or plan.activation == RELU:
        first = np.uint64(at)
        for i in range(first, first + np.uint64(plan.widths[layer])):
            space.back[i] *= space.kept[i]
        return
    for n in range(at, at + space.count[layer]):
        unit = space.on[n]
        _set_back(plan, layer, unit, space.back[at + unit], space)


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
