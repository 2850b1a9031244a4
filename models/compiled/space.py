"""What compiled functions are given beside a network and its weights: rows, and memory."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.compiled.lanes import COUNT
from models.compiled.plan import Plan
from models.compiled.vectors import zeros

BLOCK = 256
"""Rows whose kernels' gradients are added up in float32; sums of blocks are float64."""
TOGETHER = 32
"""Rows that go through a layer, or back, before the next layer's kernel is looked at."""


class Rows(NamedTuple):
    """Rated pairs: codes and scores, `[row]` each."""

    movies: NDArray[np.int32]
    users: NDArray[np.int32]
    scores: NDArray[np.float32]

    def at(self, which: NDArray[np.int64] | slice) -> Rows:
        """Some of them, by number."""
        return Rows(self.movies[which], self.users[which], self.scores[which])


class Batch(NamedTuple):
    """Some train rows, as a share of a step is given them.

    Attributes:
        rows: The rows, in the order in which they are trained on.
        order: Their numbers among all train rows, on which their masks depend.
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

    All arrays are flat. Of those by layer, a row of a block begins at its number times `plan.row`,
    and a layer of it so many times `plan.line` further.

    Attributes:
        z: Each layer before its activation.
        h: Each layer's input, masked.
        kept: Each mask.
        back: The loss by each layer's input, masked, before its activation.
        on: Numbers of the units of each layer's input that are on.
        count: How many are on, `[row, layer]`.
        product: The mask of the product, `[row, factor]`, with sixteen numbers between rows.
        out: Each row's number before the output's activation, `[row]`.
        along: The loss by it, `[row]`.
        turned: Each layer's kernel, a line for each of its units.
        gradient: Sums for all weights, `[weight]`; of kernels and biases since the last block.
        total: Sums of blocks of kernels and biases, `[weight]`.
        first: Sums of the loss by the first layer, for each movie and then each user.
        wrong: Sums of squared errors, and of the squares of what the rows looked up, `[2]`.
    """

    z: Any
    h: Any
    kept: Any
    back: Any
    on: Any
    count: Any
    product: Any
    out: Any
    along: Any
    turned: Any
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
    lines = TOGETHER * plan.row
    return Space(
        z=zeros(lines, dtype),
        h=zeros(lines, dtype),
        kept=_ones(lines, dtype),
        back=zeros(lines if trains else 0, dtype),
        on=zeros(lines, np.int32),
        count=np.zeros(TOGETHER * max(1, len(plan.units)), np.int64),
        product=_ones(TOGETHER * (plan.factors + COUNT), dtype),
        out=np.zeros(TOGETHER, np.float64),
        along=np.zeros(TOGETHER, dtype),
        turned=zeros(plan.turned_size if trains else 0, dtype),
        gradient=zeros(plan.size if trains else 0, dtype),
        total=zeros(plan.size - plan.small if trains else 0, np.float64),
        first=make_first(plan, dtype) if shared else zeros(0, dtype),
        wrong=np.zeros(2, np.float64),
    )


def _ones(count: int, dtype: Any) -> NDArray[Any]:
    made = zeros(count, dtype)
    made[:] = 1
    return made


def make_first(plan: Plan, dtype: Any) -> NDArray[Any]:
    """The first layer for each movie and then each user, flat, all zeros."""
    return zeros((plan.movies + plan.users) * int(plan.widths[1]), dtype)
