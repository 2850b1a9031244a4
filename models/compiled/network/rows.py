"""Rows through the network and back, one after another: predictions, and the sums of gradients.

A hidden unit that ReLU or dropout has switched off costs nothing: only units that are on are
followed forward and backward. After ReLU and a dropout of 0.6 that is about a sixth.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

from models.compiled.activations import bend, slope
from models.compiled.network.backward import backward, pull
from models.compiled.network.first_layer import flush
from models.compiled.network.forward import draw_masks, forward
from models.compiled.plan import Plan
from models.compiled.space import BLOCK, Batch, Rows, Space
from models.compiled.vectors import HOW


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
            movie, user = np.int64(rows.movies[place]), np.int64(rows.users[place])
            word = np.uint64(order[place]) * np.uint64(plan.row_words)
            draw_masks(plan, space, batch.key, word)
            z = forward(plan, p, movie, user, batch.first, space)
            y = plan.low + plan.span * bend(plan.output, z)
            error = y - np.float64(rows.scores[place])
            space.wrong[0] += error * error
            bent = plan.span * slope(plan.output, z, (y - plan.low) / plan.span)
            along = p.dtype.type(batch.weight * error * bent)
            if along != 0:
                backward(plan, p, movie, user, space, along)
            if plan.l2_rating > 0:
                pull(plan, p, movie, user, space, batch.weight)
        flush(plan, space, plan.small, plan.size)


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
        z = forward(plan, p, movie, user, first, space)
        scores[row] = plan.low + plan.span * bend(plan.output, z)
