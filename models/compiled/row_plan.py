"""How a training goes over its rows: batches, epochs, and samples that grow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.config import FULL_BATCH, TrainConfig
from models.data import Part, Split
from models.fast.plan import rows_by_epoch

_SAMPLE_SEED = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class RowPlan:
    """How a training goes over its rows.

    Attributes:
        config: The training's configuration.
        epochs: How many epochs are trained at most.
        growth: First rows and epochs of the stages before all rows are seen.
        order: Where row samples grow, the order of the rows: it depends on their number alone, so
            that every trial sees the same samples. Else None.
        by_epoch: How many of the first rows each of these epochs trains on.
        steps: Steps of all epochs of the configuration, over which the learning rate falls.
        batch_size: Rows of a batch.
    """

    config: TrainConfig
    epochs: int
    growth: list[tuple[int, int]]
    order: NDArray[np.int64] | None
    by_epoch: list[int]
    steps: int
    batch_size: int

    @classmethod
    def of(cls, config: TrainConfig, rows: int, epochs: int | None = None) -> RowPlan:
        """Plan a training on some rows, for all of the configuration's epochs or fewer."""
        batch_size = rows if config.batch_size == FULL_BATCH else int(config.batch_size)
        growth = [(max(1, round(share * rows)), lasting) for share, lasting in config.growth]
        epochs = epochs or config.epochs
        whole = rows_by_epoch(growth, config.epochs, rows)
        return cls(
            config=config,
            epochs=epochs,
            growth=growth,
            order=np.random.default_rng(_SAMPLE_SEED).permutation(rows) if growth else None,
            by_epoch=rows_by_epoch(growth, epochs, rows),
            steps=sum(-(-count // batch_size) for count in whole),
            batch_size=batch_size,
        )

    def ordered(self, part: Part) -> Part:
        """The rows in the order in which samples grow."""
        if self.order is None:
            return part
        return Part(*(column[self.order] for column in columns_of(part)))


def both_parts(split: Split) -> Part:
    """The rows of the train part, then those of the validation part."""
    both = zip(columns_of(split.train), columns_of(split.valid), strict=True)
    return Part(*(np.concatenate(columns) for columns in both))


def first_rows(part: Part, count: int) -> Part:
    """The first rows of a part, `count` at most."""
    return Part(*(column[:count] for column in columns_of(part)))


def columns_of(part: Part) -> tuple[NDArray[Any], ...]:
    """Users, movies, scores and row numbers of a part, `[row]` each."""
    return part.users, part.movies, part.scores, part.rows
