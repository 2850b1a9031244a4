"""A block of rows through the network, and the dropout masks that they meet.

Masks come from counters: no other row's draws change them, and no other row of a block changes what
a row's predictions are.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

from models.compiled.activations import RELU, bend, bend_lanes, has_lanes
from models.compiled.counters import drawn
from models.compiled.lanes import COUNT, above_zero, list_others, put, take, take_some
from models.compiled.network.lines import through
from models.compiled.plan import NONE, Plan
from models.compiled.space import Rows, Space
from models.compiled.vectors import INSIDE, add, copy

_LANES = np.uint64(COUNT)


@numba.njit(**INSIDE)
def draw_masks(plan: Plan, space: Space, key: Any, word: Any, row: Any) -> None:
    """Draw a row's masks; those of rate 0 stay ones.

    Args:
        plan: The network.
        space: Its masks are overwritten.
        key: Of the epoch's masks.
        word: Number of the row's first random word, uint64.
        row: Its number in the block.
    """
    for layer in range(len(plan.units)):
        if plan.dropped[layer] > 0:
            first, at = word + np.uint64(plan.words[layer]), row * plan.row + layer * plan.line
            rate = (plan.dropped[layer], plan.scales[layer])
            _draw_mask(space.kept, at, plan.units[layer], key, first, rate)
    if plan.factor_dropped > 0:
        first = word + np.uint64(plan.factor_word)
        rate = (plan.factor_dropped, plan.factor_scale)
        _draw_mask(space.product, row * (plan.factors + COUNT), plan.factors, key, first, rate)


@numba.njit(**INSIDE)
def _draw_mask(mask: Any, at: Any, units: Any, key: Any, first: Any, rate: Any) -> None:
    """Fill a mask, four units a word, given the number of the first word.

    Numbers behind the mask, up to a multiple of sixteen, are overwritten too.
    """
    for i in range(np.uint64(0), np.uint64(units), _LANES):
        put(mask, np.uint64(at) + i, drawn(mask, key, first + (i >> np.uint64(2)), *rate))


@numba.njit(**INSIDE)
def forward(plan: Plan, p: Any, rows: Rows, block: Any, first: Any, space: Space) -> None:
    """The numbers before the output's activation, for a block of rows.

    A layer is worked out for all rows of the block before the next one is, so that its kernel stays
    in the processor's nearest cache.

    Args:
        plan: The network.
        p: Its weights.
        rows: The rows.
        block: The first of them, and how many, at most `TOGETHER`.
        first: As `Batch.first`.
        space: The share's memory; it holds the rows' layers afterwards, and the numbers in `out`.
    """
    begin, count = block
    depth, shared = len(plan.units) - 1, len(first) > 0
    if depth >= 0 and not shared:
        for row in range(count):
            movie, user = np.int64(rows.movies[begin + row]), np.int64(rows.users[begin + row])
            _take_vectors(plan, p, movie, user, space, row)
    for layer in range(depth):
        for row in range(count):
            if layer == 0 and shared:
                movie, user = np.int64(rows.movies[begin + row]), np.int64(rows.users[begin + row])
                at, width = row * plan.row, plan.widths[1]
                copy(space.z, at, first, movie * width, width)
                add(space.z, at, first, (plan.movies + user) * width, width)
            else:
                through(plan, p, layer, space, row)
            _switch(plan, layer, space, row)
    for row in range(count):
        z = np.float64(0)
        if depth >= 0:
            z += _top(plan, p, space, row * plan.row + depth * plan.line) + p[plan.score_bias]
        if plan.factors > 0:
            movie, user = np.int64(rows.movies[begin + row]), np.int64(rows.users[begin + row])
            z += _product(plan, p, movie, user, space, row)
        space.out[row] = z


@numba.njit(**INSIDE)
def _top(plan: Plan, p: Any, space: Space, at: Any) -> Any:
    """The last layer's masked units, or the layers' input, times the kernel behind them."""
    at, kernel = np.uint64(at), np.uint64(plan.score_kernel)
    result = p.dtype.type(0)
    for i in range(np.uint64(plan.units[len(plan.units) - 1])):
        result += p[kernel + i] * space.h[at + i]
    return result


@numba.njit(**INSIDE)
def _product(plan: Plan, p: Any, movie: Any, user: Any, space: Space, row: Any) -> Any:
    """The weighted product of a row's two vectors, masked, and the biases."""
    kernel, total = np.uint64(plan.product_kernel), p.dtype.type(0)
    one = np.uint64(plan.movie_factors + movie * plan.factors)
    other = np.uint64(plan.user_factors + user * plan.factors)
    mask = np.uint64(row * (plan.factors + COUNT))
    for k in range(np.uint64(plan.factors)):
        total += p[kernel + k] * p[one + k] * p[other + k] * space.product[mask + k]
    total += p[plan.movie_bias + movie] + p[plan.user_bias + user]
    return total + p[plan.product_bias] if plan.product_bias != NONE else total


@numba.njit(**INSIDE)
def _take_vectors(plan: Plan, p: Any, movie: Any, user: Any, space: Space, row: Any) -> None:
    """Put a row's vectors one behind the other, masked; list what is not dropped."""
    at = np.uint64(row * plan.row)
    copy(space.h, at, p, plan.movie_vectors + movie * plan.movie_size, plan.movie_size)
    of = plan.user_vectors + user * plan.user_size
    copy(space.h, at + np.uint64(plan.movie_size), p, of, plan.user_size)
    units, count = np.uint64(plan.units[0]), np.int64(0)
    if plan.dropped[0] == 0:
        for k in range(units):
            space.on[at + k] = np.int32(k)
        count = np.int64(units)
    else:
        for i in range(np.uint64(0), units, _LANES):
            kept = take_some(space.kept, at + i, min(_LANES, units - i))
            put(space.h, at + i, take(space.h, at + i) * kept)
            count += list_others(space.on, at + np.uint64(count), kept, np.int64(i))
    space.count[row * len(plan.units)] = count


@numba.njit(**INSIDE)
def _switch(plan: Plan, layer: Any, space: Space, row: Any) -> None:
    """Apply a layer's activation and mask, and list the units that are on."""
    at, count = np.uint64(row * plan.row + layer * plan.line), 0
    above = at + np.uint64(plan.line)
    units, zero = np.uint64(plan.units[layer + 1]), space.z.dtype.type(0)
    if plan.activation == RELU:
        for i in range(np.uint64(0), units, _LANES):  # up to the padded width, whose units are off
            lanes = above_zero(take(space.z, at + i)) * take(space.kept, above + i)
            put(space.h, above + i, lanes)
            count += list_others(space.on, above + np.uint64(count), lanes, np.int64(i))
    elif has_lanes(plan.activation):
        for i in range(np.uint64(0), units, _LANES):
            kept = take_some(space.kept, above + i, min(_LANES, units - i))
            put(space.h, above + i, kept * bend_lanes(plan.activation, take(space.z, at + i)))
            count += list_others(space.on, above + np.uint64(count), kept, np.int64(i))
    else:
        for i in range(units):
            kept = space.kept[above + i]
            space.on[above + np.uint64(count)] = np.int32(i)
            count += kept != 0
            space.h[above + i] = (
                kept * bend(plan.activation, space.z[at + i]) if kept != 0 else zero
            )
    space.count[row * len(plan.units) + layer + 1] = count
