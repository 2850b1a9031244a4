"""Steps on one rating each, as of Funk's matrix factorisation, without what steps on batches need.

A step on a batch gathers gradients, lists the rows that it has, and calls a function for each of
that. For one rating it is a handful of loops over two vectors: here they are, for plain gradient
descent on a product of vectors with biases, without dropout and without penalties on whole tables.
The rule is that of steps on batches; sums may have another order.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

from models.compiled.activations import bend, slope
from models.compiled.lanes import COUNT, fetch, nothing, put, put_some, take, take_some, total
from models.compiled.plan import Plan
from models.compiled.space import Rows
from models.compiled.stepping.optimizers import PLAIN_SGD, State
from models.compiled.stepping.tables import Layout
from models.compiled.vectors import HOW, INSIDE

_LANES = np.uint64(COUNT)
_AHEAD = 8  # rows


def are_singles(plan: Plan, layout: Layout, code: int, size: int) -> bool:
    """Whether steps are such as `take_single_steps` takes.

    Args:
        plan: The network.
        layout: Of its weights.
        code: Of the optimizer.
        size: Rows of a batch.
    """
    paid = [*layout.segments.l2, *layout.tables.l2]
    plain = size == 1 and code == PLAIN_SGD and not any(paid)
    return plain and len(plan.units) == 0 and plan.factor_dropped == 0  # gmf alone has a bias there


@numba.njit(**HOW)
def take_single_steps(
    plan: Plan, state: State, work: Any, times: float, steps: Any, begin: int
) -> None:
    """Take steps on one rating each, one after another.

    Args:
        plan: The network.
        state: Its weights.
        work: The rows of an epoch, and memory whose `wrong` is added to.
        times: Multiplies the learning rate of tables.
        steps: The numbers of each step, as `Step` has them, `[step, 6]`.
        begin: The row of the first of them.
    """
    batch, space = work
    p, rows = state.p, batch.rows
    last = len(rows.movies) - 1
    for n in range(begin, begin + len(steps)):
        _fetch_vectors(plan, p, rows, min(last, n + _AHEAD))
        movie, user = np.int64(rows.movies[n]), np.int64(rows.users[n])
        vectors = (
            np.uint64(plan.product_kernel),
            np.uint64(plan.movie_factors + movie * plan.factors),
            np.uint64(plan.user_factors + user * plan.factors),
        )
        z = _product(p, vectors, np.uint64(plan.factors))
        z += p[plan.movie_bias + movie] + p[plan.user_bias + user] + p[plan.product_bias]
        y = plan.low + plan.span * bend(plan.output, z)
        error = y - np.float64(rows.scores[n])
        space.wrong[0] += error * error
        bent = plan.span * slope(plan.output, z, (y - plan.low) / plan.span)
        rate, along = steps[n - begin, 1], 2.0 * error * bent
        rates = (rate * along, rate * times * along, 2.0 * plan.l2_rating * rate * times)
        space.wrong[1] += _step_vectors(p, vectors, np.uint64(plan.factors), rates)
        for place in (plan.movie_bias + movie, plan.user_bias + user):
            space.wrong[1] += p[place] * p[place]
            p[place] -= p.dtype.type(rates[1] + rates[2] * p[place])
        p[plan.product_bias] -= p.dtype.type(rates[0])


@numba.njit(**INSIDE)
def _fetch_vectors(plan: Plan, p: Any, rows: Rows, n: Any) -> None:
    """Have what a later row looks up brought near."""
    movie, user = np.int64(rows.movies[n]), np.int64(rows.users[n])
    one = np.uint64(plan.movie_factors + movie * plan.factors)
    other = np.uint64(plan.user_factors + user * plan.factors)
    for i in range(np.uint64(0), np.uint64(plan.factors), _LANES):
        fetch(p, one + i)
        fetch(p, other + i)
    fetch(p, np.uint64(plan.movie_bias + movie))
    fetch(p, np.uint64(plan.user_bias + user))


@numba.njit(**INSIDE)
def _product(p: Any, vectors: Any, count: Any) -> Any:
    """The weighted product of two vectors."""
    kernel, one, other = vectors
    sums, i = nothing(p), np.uint64(0)
    while i + _LANES <= count:
        sums += take(p, kernel + i) * (take(p, one + i) * take(p, other + i))
        i += _LANES
    if i < count:
        some = count - i
        pair = take_some(p, one + i, some) * take_some(p, other + i, some)
        sums += take_some(p, kernel + i, some) * pair
    return np.float64(total(sums))


@numba.njit(**INSIDE)
def _step_vectors(p: Any, vectors: Any, count: Any, rates: Any) -> Any:
    """Move two vectors and the weights of their product; the sum of the vectors' squares before."""
    kernel, one, other = vectors
    squares, i = nothing(p), np.uint64(0)
    while i + _LANES <= count:
        w, a, b = take(p, kernel + i), take(p, one + i), take(p, other + i)
        squares += a * a + b * b
        put(p, kernel + i, w - rates[0] * (a * b))
        put(p, one + i, a - rates[1] * (w * b) - rates[2] * a)
        put(p, other + i, b - rates[1] * (w * a) - rates[2] * b)
        i += _LANES
    if i < count:
        some = count - i
        w, a = take_some(p, kernel + i, some), take_some(p, one + i, some)
        b = take_some(p, other + i, some)
        squares += a * a + b * b
        put_some(p, kernel + i, w - rates[0] * (a * b), some)
        put_some(p, one + i, a - rates[1] * (w * b) - rates[2] * a, some)
        put_some(p, other + i, b - rates[1] * (w * a) - rates[2] * b, some)
    return np.float64(total(squares))
