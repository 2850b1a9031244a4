"""Plan which rows each epoch trains on: batch size, epochs, shuffling, growing samples.

Growing samples are nested: each sample is the first rows of the next one. Early epochs see few rows
and cost little. Weights and optimizer state go on from one sample to the next, as in the successive
doubling of a sample (Provost, Jensen and Oates, "Efficient Progressive Sampling", KDD 1999).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

Growth = Sequence[tuple[int, int]]
"""Stages before the epochs over all rows, each as (number of first rows, number of epochs)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class EpochPlan:
    """How a training goes over its rows: batch size, epochs, shuffling, and growing samples.

    Attributes:
        batch_size: Rows a step.
        epochs: Most epochs.
        shuffle: Whether batches are drawn anew each epoch.
        growth: Rows and epochs of each stage before the epochs over all rows.
    """

    batch_size: int = 32
    epochs: int = 1
    shuffle: bool = True
    growth: Growth = ()

    def rows_by_epoch(self, rows: int) -> list[int]:
        """List the number of rows that each epoch of this plan trains on."""
        return rows_by_epoch(self.growth, self.epochs, rows)


def rows_by_epoch(growth: Growth, epochs: int, rows: int) -> list[int]:
    """List the number of rows that each epoch trains on.

    Stages of 2 epochs over 10 rows and 1 epoch over 30, in 5 epochs of 100 rows, give
    [10, 10, 30, 100, 100].

    Args:
        growth: Rows and epochs of each stage; the epochs left go over all rows.
        epochs: All epochs.
        rows: All rows.
    """
    stages = [count for count, lasting in growth for _ in range(lasting)][:epochs]
    return [min(count, rows) for count in stages] + [rows] * (epochs - len(stages))
