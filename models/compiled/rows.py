"""One row after another through the network and back: predictions, and the sums of gradients.

A hidden unit that ReLU or dropout has switched off costs nothing: only units that are on are
followed forward and backward. After ReLU and a dropout of 0.6 that is about a sixth.

Where a batch has more rows than there are users and movies, the first layer is worked out for each
user and each movie once (`first`), and a row adds the two up: the product of a kernel with two
vectors one behind the other is the sum of its upper part's product with one and its lower part's
with the other. Its gradients are added up for each user and movie likewise.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from models.compiled.activations import RELU, bend, slope
from models.compiled.counters import word as word_of
from models.compiled.plan import NONE, Plan
from models.compiled.vectors import HOW, INSIDE, add, add_times, copy, dot, fill

BLOCK = 256
"""Rows whose kernels' gradients are added up in float32; sums of blocks are float64."""

_SIXTEEN = np.uint64(0xFFFF)


class Rows(NamedTuple):
    """Rated pairs: codes and scores, `[row]` each."""

    movies: NDArray[np.int32]
    users: NDArray[np.int32]
    scores: NDArray[np.float32]


class Batch(NamedTuple):
    """Some train rows, as a share of a step is given them.

    Attributes:
        rows: All train rows.
        order: The numbers of those to train on.
        first: The first layer of each movie and user, as `work_out_first` left it; empty where each
            row works its own out.
        key: Of this epoch's masks.
        weight: 2 / (rows of the batch): the slope of the mean square by an error.
    """

    rows: Rows
    order: NDArray[np.int64]
    first: Any
    key: np.uint64
    weight: float


class Space(NamedTuple):
    """The memory of one share of a batch's rows: no other share touches it.

    All arrays are flat. Of those by layer, a layer begins at its number times `plan.line`.

    Attributes:
        z: Each layer before its activation.
        h: Each layer's input, masked.
        kept: Each mask.
        back: The loss by each layer's input, masked, before its activation.
        on: Numbers of the units of each layer's input that are on.
        count: How many are on, `[layer]`.
        product: The mask of the product, `[factor]`.
        gradient: Sums for all weights, `[weight]`; of kernels and biases since the last block.
        total: Sums of blocks of kernels and biases, `[weight]`.
        first: Sums of the loss by the first layer, for each movie and then each user.
        wrong: Sum of squared errors, `[1]`.
    """

    z: Any
    h: Any
    kept: Any
    back: Any
    on: Any
    count: Any
    product: Any
    gradient: Any
    total: Any
    first: Any
    wrong: Any


def make_space(plan: Plan, dtype: Any, *, trains: bool = True, shared: bool = False) -> Space:
    """Make the memory of one share, all zeros and masks of ones.

    Args:
        plan: The network.
        dtype: Of its weights.
        trains: Whether it holds gradients.
        shared: Whether the first layer's sums are by movie and user.
    """
    lines = max(1, len(plan.units)) * plan.line
    return Space(
        z=np.zeros(lines, dtype),
        h=np.zeros(lines, dtype),
        kept=np.ones(lines, dtype),
        back=np.zeros(lines, dtype),
        on=np.zeros(lines, np.int64),
        count=np.zeros(max(1, len(plan.units)), np.int64),
        product=np.ones(plan.factors + 4, dtype),
        gradient=np.zeros(plan.size if trains else 0, dtype),
        total=np.zeros(plan.size - plan.small if trains else 0, np.float64),
        first=make_first(plan, dtype) if shared else np.zeros(0, dtype),
        wrong=np.zeros(1, np.float64),
    )


def make_first(plan: Plan, dtype: Any) -> NDArray[Any]:
    """The first layer for each movie and then each user, flat, all zeros."""
    return np.zeros((plan.movies + plan.users) * int(plan.widths[1]), dtype)


@numba.njit(**HOW)
def work_out_first(plan: Plan, p: Any, first: Any, begin: int, end: int) -> None:
    """Work out the first layer for the ids from `begin` to `end`, movies before users.

    A movie's has the bias.

    Args:
        plan: The network.
        p: Its weights.
        first: Overwritten for these ids; as `make_first` made it.
        begin: The first id.
        end: One past the last.
    """
    width = plan.widths[1]
    for number in range(begin, end):
        size, vector, line = _of_id(plan, number)
        if number < plan.movies:
            copy(first, number * width, p, plan.biases[0], width)
        else:
            fill(first, number * width, width, p.dtype.type(0))
        for k in range(size):
            add_times(first, number * width, p[vector + k], p, line + k * width, width)


@numba.njit(**INSIDE)
def _of_id(plan: Plan, number: Any) -> Any:
    """Of an id, movies before users: its vector's length and place, its part of the kernel."""
    kernel = plan.kernels[0]
    if number < plan.movies:
        return plan.movie_size, plan.movie_vectors + number * plan.movie_size, kernel
    own = number - plan.movies
    line = kernel + plan.movie_size * plan.widths[1]
    return plan.user_size, plan.user_vectors + own * plan.user_size, line


@numba.njit(**HOW)
def return_first(plan: Plan, state: Any, sums: Any, space: Space, begin: int, end: int) -> None:
    """Take the gradients of the first layer's sums back to the vectors, the kernel and the bias.

    Args:
        plan: The network.
        state: Its weights; the gradients of these ids' vectors are added to its gradient.
        sums: Of the loss by the first layer, for each movie and user; zero afterwards.
        space: Its `total` is added to.
        begin: The first id, movies before users.
        end: One past the last.
    """
    width, kernel, bias, p = plan.widths[1], plan.kernels[0], plan.biases[0], state.p
    for block in range(begin, end, BLOCK):
        for number in range(block, min(end, block + BLOCK)):
            size, vector, line = _of_id(plan, number)
            at = number * width
            for k in range(size):
                own = line + k * width
                state.g[vector + k] += dot(p, own, sums, at, width)
                add_times(space.gradient, own, p[vector + k], sums, at, width)
            if number < plan.movies:
                add(space.gradient, bias, sums, at, width)
            fill(sums, at, width, p.dtype.type(0))
        _flush(plan, space, kernel, bias + width)


@numba.njit(**INSIDE)
def _flush(plan: Plan, space: Space, begin: Any, end: Any) -> None:
    """Add a block's sums of kernels and biases to the totals, and begin the next block at zero."""
    add(space.total, begin - plan.small, space.gradient, begin, end - begin)
    fill(space.gradient, begin, end - begin, space.gradient.dtype.type(0))


@numba.njit(**HOW)
def add_rows(plan: Plan, p: Any, batch: Batch, space: Space) -> None:
    """Add some rows' squared errors and gradients to a share's sums, dropout on.

    Args:
        plan: The network.
        p: Its weights, `[weight]`.
        batch: The rows.
        space: The share's memory.
    """
    rows, order = batch.rows, batch.order
    for begin in range(0, len(order), BLOCK):
        for place in range(begin, min(len(order), begin + BLOCK)):
            row = order[place]
            movie, user = np.int64(rows.movies[row]), np.int64(rows.users[row])
            draw_masks(plan, space, batch.key, np.uint64(row) * np.uint64(plan.row_words))
            z = _forward(plan, p, movie, user, batch.first, space)
            y = plan.low + plan.span * bend(plan.output, z)
            error = y - np.float64(rows.scores[row])
            space.wrong[0] += error * error
            bent = plan.span * slope(plan.output, z, (y - plan.low) / plan.span)
            along = p.dtype.type(batch.weight * error * bent)
            if along != 0:
                _backward(plan, p, movie, user, space, along)
        _flush(plan, space, plan.small, plan.size)


@numba.njit(**HOW)
def score_rows(plan: Plan, p: Any, rows: Rows, first: Any, space: Space, scores: Any) -> None:
    """Predict rows, dropout off; the masks of `space` must be ones.

    Args:
        plan: The network.
        p: Its weights.
        rows: What to predict; their own scores are not read.
        first: As `Batch.first`.
        space: The share's memory.
        scores: Overwritten with the predictions, `[row]`.
    """
    for row in range(len(rows.movies)):
        movie, user = np.int64(rows.movies[row]), np.int64(rows.users[row])
        z = _forward(plan, p, movie, user, first, space)
        scores[row] = plan.low + plan.span * bend(plan.output, z)


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
def _forward(plan: Plan, p: Any, movie: Any, user: Any, first: Any, space: Space) -> Any:
    """The number before the output's activation, for one row."""
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
                _through(plan, p, layer, space)
            _switch(plan, layer, space)
        top = depth * plan.line
        for n in range(top, top + space.count[depth]):
            unit = space.on[n]
            z += p[plan.score_kernel + unit] * space.h[top + unit]
        z += p[plan.score_bias]
    if plan.factors > 0:
        z += _product(plan, p, movie, user, space)
    return z


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
    count = 0
    for k in range(plan.units[0]):
        space.h[k] *= space.kept[k]
        space.on[count] = k
        count += space.kept[k] != 0
    space.count[0] = count


@numba.njit(**INSIDE)
def _through(plan: Plan, p: Any, layer: Any, space: Space) -> None:
    """A layer before its activation: its bias, and the kernel's lines of the units that are on."""
    width, at = plan.widths[layer + 1], layer * plan.line
    copy(space.z, at, p, plan.biases[layer], width)
    for n in range(at, at + space.count[layer]):
        unit = space.on[n]
        line = plan.kernels[layer] + unit * width
        add_times(space.z, at, space.h[at + unit], p, line, width)


@numba.njit(**INSIDE)
def _switch(plan: Plan, layer: Any, space: Space) -> None:
    """Apply a layer's activation and mask, and list the units that are on."""
    at, above, count = np.uint64(layer * plan.line), np.uint64((layer + 1) * plan.line), 0
    units, zero = np.uint64(plan.units[layer + 1]), space.z.dtype.type(0)
    if plan.activation == RELU:
        for i in range(units):
            space.h[above + i] = max(space.z[at + i], zero) * space.kept[above + i]
        for i in range(units):
            space.on[above + np.uint64(count)] = np.int64(i)
            count += space.h[above + i] > 0
    else:
        for i in range(units):
            kept = space.kept[above + i]
            space.on[above + np.uint64(count)] = np.int64(i)
            count += kept != 0
            space.h[above + i] = (
                kept * bend(plan.activation, space.z[at + i]) if kept != 0 else zero
            )
    space.count[layer + 1] = count


@numba.njit(**INSIDE)
def _backward(plan: Plan, p: Any, movie: Any, user: Any, space: Space, along: Any) -> None:
    """Add one row's gradients; `along` is the loss by the number before the output."""
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
    """Store the loss by a unit before its activation, given the loss by its masked value.

    Of the layers' input, layer 0, only the mask counts.
    """
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
    above, zero = at + plan.line, p.dtype.type(0)
    fill(space.back, at, plan.widths[layer], zero)
    add(space.gradient, plan.biases[layer], space.back, above, width)
    for n in range(at, at + space.count[layer]):
        unit = space.on[n]
        line = plan.kernels[layer] + unit * width
        along = dot(p, line, space.back, above, width)
        add_times(space.gradient, line, space.h[at + unit], space.back, above, width)
        _set_back(plan, layer, unit, along, space)


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
