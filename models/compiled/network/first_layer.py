"""The first layer, worked out once for each user and each movie, and its gradients.

The product of a kernel with two vectors one behind the other is the sum of its upper part's product
with one and its lower part's with the other. Where a batch has more rows than there are users and
movies, a row adds up what was worked out for its user and its movie, and its gradients are added up
for each user and movie likewise.
"""

from __future__ import annotations

from typing import Any

import numba

from models.compiled.plan import Plan
from models.compiled.space import BLOCK, Space
from models.compiled.vectors import HOW, INSIDE, add, add_times, copy, dot, fill


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
        flush(plan, space, kernel, bias + width)


@numba.njit(**INSIDE)
def flush(plan: Plan, space: Space, begin: Any, end: Any) -> None:
    """Add a block's sums of kernels and biases to the totals, and begin the next block at zero.

    Args:
        plan: The network.
        space: The share's memory.
        begin: The first weight.
        end: One past the last.
    """
    add(space.total, begin - plan.small, space.gradient, begin, end - begin)
    fill(space.gradient, begin, end - begin, space.gradient.dtype.type(0))
