"""Rows through the network and back, some at a time: predictions, and the sums of gradients.

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
from models.compiled.network.lines import turn
from models.compiled.plan import Plan
from models.compiled.space import BLOCK, TOGETHER, Batch, Rows, Space
from models.compiled.vectors import HOW, INSIDE


@numba.njit(**HOW)
def add_rows(plan: Plan, p: Any, batch: Batch, space: Space) -> None:
    """Add some rows' squared errors and gradients to a share's sums, dropout on.

    Args:
        plan: The network.
        p: Its weights, `[weight]`.
        batch: The rows.
        space: The share's memory.
    """
    for layer in range(1 if len(batch.first) > 0 else 0, len(plan.units) - 1):
        turn(plan, p, layer, space)
    for begin in range(0, len(batch.order), BLOCK):
        end = min(len(batch.order), begin + BLOCK)
        for at in range(begin, end, TOGETHER):
            _add_block(plan, p, batch, (at, min(TOGETHER, end - at)), space)
        flush(plan, space, plan.small, plan.size)


@numba.njit(**INSIDE)
def _add_block(plan: Plan, p: Any, batch: Batch, block: Any, space: Space) -> None:
    """Add the squared errors and gradients of a block: its first row, and how many."""
    begin, count = block
    rows = batch.rows
    for row in range(count):
        word = np.uint64(batch.order[begin + row]) * np.uint64(plan.row_words)
        draw_masks(plan, space, batch.key, word, row)
    forward(plan, p, rows, block, batch.first, space)
    for row in range(count):
        z = space.out[row]
        y = plan.low + plan.span * bend(plan.output, z)
        error = y - np.float64(rows.scores[begin + row])
        space.wrong[0] += error * error
        bent = plan.span * slope(plan.output, z, (y - plan.low) / plan.span)
        space.along[row] = p.dtype.type(batch.weight * error * bent)
    backward(plan, p, rows, block, space)
    if plan.l2_rating > 0:
        for row in range(count):
            movie, user = np.int64(rows.movies[begin + row]), np.int64(rows.users[begin + row])
            pull(plan, p, movie, user, space, batch.weight)


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
    for begin in range(0, len(rows.movies), TOGETHER):
        block = (begin, min(TOGETHER, len(rows.movies) - begin))
        forward(plan, p, rows, block, first, space)
        for row in range(block[1]):
            z = bend(plan.output, space.out[row])
            scores[begin + row] = plan.low + plan.span * z
