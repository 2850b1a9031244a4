"""One row through the network, and the dropout masks that it meets.

Masks come from counters: no other row's draws change them.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

from models.compiled.activations import RELU, bend, bend_lanes, has_lanes
from models.compiled.counters import word as word_of
from models.compiled.lanes import COUNT, above_zero, list_others, put, take, take_some
from models.compiled.network.lines import through
from models.compiled.plan import NONE, Plan
from models.compiled.space import Space
from models.compiled.vectors import INSIDE, add, copy

_SIXTEEN = np.uint64(0xFFFF)
_LANES = np.uint64(COUNT)


@numba.njit(**INSIDE)
def draw_masks(plan: Plan, space: Space, key: Any, word: Any) -> None:
    """Draw a row's masks; those of rate 0 stay ones.

    Args:
        plan: The network.
        space: Its masks are overwritten.
        key: Of the epoch's masks.
        word: Number of the row's first random word, uint64.
    """
    for layer in range(len(plan.units)):
        if plan.dropped[layer] > 0:
            first, at = word + np.uint64(plan.words[layer]), layer * plan.line
            rate = (plan.dropped[layer], plan.scales[layer])
            _draw_mask(space.kept, at, plan.units[layer], key, first, rate)
    if plan.factor_dropped > 0:
        first = word + np.uint64(plan.factor_word)
        rate = (plan.factor_dropped, plan.factor_scale)
        _draw_mask(space.product, 0, plan.factors, key, first, rate)


@numba.njit(**INSIDE)
def _draw_mask(mask: Any, at: Any, units: Any, key: Any, first: Any, rate: Any) -> None:
    """Fill a mask, four units a word, given the number of the first word.

    A unit is 0 where its 16 bits are below the first number of `rate`, else the second.
    """
    place, dropped, zero = np.uint64(at), rate[0], mask.dtype.type(0)
    scale = mask.dtype.type(rate[1])
    for quarter in range(np.uint64((units + 3) // 4)):
        bits = word_of(key, first + quarter)
        for part in range(np.uint64(4)):
            own = (bits >> (np.uint64(16) * part)) & _SIXTEEN
            mask[place + np.uint64(4) * quarter + part] = scale if own >= dropped else zero


@numba.njit(**INSIDE)
def forward(plan: Plan, p: Any, movie: Any, user: Any, first: Any, space: Space) -> Any:
    """The number before the output's activation, for one row.

    Args:
        plan: The network.
        p: Its weights.
        movie: The row's movie.
        user: The row's user.
        first: As `Batch.first`.
        space: The share's memory; it holds the row's layers afterwards.
    """
    z, shared = np.float64(0), len(first) > 0
    depth = len(plan.units) - 1
    if depth >= 0:
        if not shared:
            _take_vectors(plan, p, movie, user, space)
        for layer in range(depth):
            if layer == 0 and shared:
                width = plan.widths[1]
                copy(space.z, 0, first, movie * width, width)
                add(space.z, 0, first, (plan.movies + user) * width, width)
            else:
                through(plan, p, layer, space)
            _switch(plan, layer, space)
        z += _top(plan, p, space, depth) + p[plan.score_bias]
    if plan.factors > 0:
        z += _product(plan, p, movie, user, space)
    return z


@numba.njit(**INSIDE)
def _top(plan: Plan, p: Any, space: Space, depth: Any) -> Any:
    """The last layer's masked units, or the layers' input, times the kernel behind them."""
    at, kernel = np.uint64(depth * plan.line), np.uint64(plan.score_kernel)
    result = p.dtype.type(0)
    for i in range(np.uint64(plan.units[depth])):
        result += p[kernel + i] * space.h[at + i]
    return result


@numba.njit(**INSIDE)
def _product(plan: Plan, p: Any, movie: Any, user: Any, space: Space) -> Any:
    """The weighted product of a row's two vectors, masked, and the biases."""
    kernel, total = np.uint64(plan.product_kernel), p.dtype.type(0)
    one = np.uint64(plan.movie_factors + movie * plan.factors)
    other = np.uint64(plan.user_factors + user * plan.factors)
    for k in range(np.uint64(plan.factors)):
        total += p[kernel + k] * p[one + k] * p[other + k] * space.product[k]
    total += p[plan.movie_bias + movie] + p[plan.user_bias + user]
    return total + p[plan.product_bias] if plan.product_bias != NONE else total


@numba.njit(**INSIDE)
def _take_vectors(plan: Plan, p: Any, movie: Any, user: Any, space: Space) -> None:
    """Put a row's vectors one behind the other, masked; list what is not dropped."""
    copy(space.h, 0, p, plan.movie_vectors + movie * plan.movie_size, plan.movie_size)
    of = plan.user_vectors + user * plan.user_size
    copy(space.h, plan.movie_size, p, of, plan.user_size)
    units, count = np.uint64(plan.units[0]), np.int64(0)
    if plan.dropped[0] == 0:
        for k in range(units):
            space.on[k] = np.int32(k)
        count = np.int64(units)
    else:
        for k in range(units):
            space.h[k] *= space.kept[k]
            space.on[count] = np.int32(k)
            count += space.kept[k] != 0
    space.count[0] = count


@numba.njit(**INSIDE)
def _switch(plan: Plan, layer: Any, space: Space) -> None:
    """Apply a layer's activation and mask, and list the units that are on."""
    at, above, count = np.uint64(layer * plan.line), np.uint64((layer + 1) * plan.line), 0
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
    space.count[layer + 1] = count
