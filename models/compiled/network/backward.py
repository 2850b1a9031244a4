"""A block's gradients, from the output back to the tables, layer by layer."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

from models.compiled.activations import RELU, has_lanes, slope, slope_lanes
from models.compiled.lanes import COUNT, put, take, where_on
from models.compiled.network.lines import add_lines, back
from models.compiled.plan import NONE, Plan
from models.compiled.space import Rows, Space
from models.compiled.vectors import INSIDE, add, add_times, dot

_LANES = np.uint64(COUNT)


@numba.njit(**INSIDE)
def backward(plan: Plan, p: Any, rows: Rows, block: Any, space: Space) -> None:
    """Add a block's gradients, after `forward` on the same rows.

    Args:
        plan: The network.
        p: Its weights.
        rows: The rows.
        block: The first of them, and how many.
        space: The share's memory; its `along` has the loss by each row's number before the output's
            activation. A row where that is 0 is left out.
    """
    begin, count = block
    depth, shared = len(plan.units) - 1, len(space.first) > 0
    if depth >= 0:
        for row in range(count):
            _back_to_top(plan, p, depth, space, row)
    for layer in range(depth - 1, -1, -1):
        if layer == 0 and shared:
            _back_to_first(plan, rows, block, space)
        else:
            _back_through(plan, layer, space, count)
    for row in range(count):
        movie, user = np.int64(rows.movies[begin + row]), np.int64(rows.users[begin + row])
        if depth >= 0 and not shared and space.along[row] != 0:
            place, at, g = (
                plan.movie_vectors + movie * plan.movie_size,
                row * plan.row,
                space.gradient,
            )
            add(g, place, space.back, at, plan.movie_size)
            place = plan.user_vectors + user * plan.user_size
            add(g, place, space.back, at + plan.movie_size, plan.user_size)
        if plan.factors > 0 and space.along[row] != 0:
            _back_to_factors(plan, p, movie, user, space, row)


@numba.njit(**INSIDE)
def _back_to_first(plan: Plan, rows: Rows, block: Any, space: Space) -> None:
    """From the first layer to its sums for each movie and user."""
    begin, count = block
    width = plan.widths[1]
    for row in range(count):
        if space.along[row] != 0:
            at = row * plan.row + plan.line
            movie, user = np.int64(rows.movies[begin + row]), np.int64(rows.users[begin + row])
            add(space.first, movie * width, space.back, at, width)
            add(space.first, (plan.movies + user) * width, space.back, at, width)


@numba.njit(**INSIDE)
def _unbend(plan: Plan, layer: Any, space: Space, row: Any) -> None:
    """From the loss by a layer's masked units to that by the units before their activation."""
    at = np.uint64(row * plan.row + layer * plan.line)
    below, back, width = at - np.uint64(plan.line), space.back, np.uint64(plan.widths[layer])
    for i in range(np.uint64(0), width, _LANES):
        lanes = take(back, at + i) * take(space.kept, at + i)
        if layer > 0 and plan.activation == RELU:
            lanes = where_on(take(space.h, at + i), lanes)
        elif layer > 0 and has_lanes(plan.activation):
            lanes = slope_lanes(plan.activation, take(space.z, below + i)) * lanes
        put(back, at + i, lanes)
    if layer > 0 and plan.activation != RELU and not has_lanes(plan.activation):
        for n in range(at, at + np.uint64(space.count[row * len(plan.units) + layer])):
            unit = np.uint64(space.on[n])
            value = space.h[at + unit] / space.kept[at + unit]
            own = slope(plan.activation, space.z[below + unit], value)
            back[at + unit] *= space.z.dtype.type(own)


@numba.njit(**INSIDE)
def _back_to_top(plan: Plan, p: Any, depth: Any, space: Space, row: Any) -> None:
    """From the output to the last layer, or to the input where there is no layer."""
    at, along = np.uint64(row * plan.row + depth * plan.line), space.along[row]
    if along == 0:
        return
    g, kernel = space.gradient, np.uint64(plan.score_kernel)
    g[plan.score_bias] += along
    for i in range(np.uint64(plan.widths[depth])):
        g[kernel + i] += along * space.h[at + i]
        space.back[at + i] = along * p[kernel + i]
    _unbend(plan, depth, space, row)


@numba.njit(**INSIDE)
def _back_through(plan: Plan, layer: Any, space: Space, count: Any) -> None:
    """From a layer, number `layer` + 1, to its kernel, its bias and its input."""
    width, above = plan.widths[layer + 1], (layer + 1) * plan.line
    for row in range(count):
        if space.along[row] != 0:
            add(space.gradient, plan.biases[layer], space.back, row * plan.row + above, width)
            add_lines(plan, layer, space, row)
    for row in range(count):
        if space.along[row] != 0:
            back(plan, layer, space, row)
            _unbend(plan, layer, space, row)


@numba.njit(**INSIDE)
def _back_to_factors(plan: Plan, p: Any, movie: Any, user: Any, space: Space, row: Any) -> None:
    """Add one row's gradients of the product, its weights and the biases."""
    g, kernel, along = space.gradient, np.uint64(plan.product_kernel), space.along[row]
    one = np.uint64(plan.movie_factors + movie * plan.factors)
    other = np.uint64(plan.user_factors + user * plan.factors)
    mask = np.uint64(row * (plan.factors + COUNT))
    for k in range(np.uint64(plan.factors)):
        own = along * space.product[mask + k]
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
