"""Cross-validation inside the train part: each fold is scored by a model trained on the others."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from models.data.split import Part, Split
from models.errors import ModelsError


def fold_of(split: Split, number: int, count: int, *, seed: int) -> Split:
    """The split whose validation part is one fold of the train part, the rest being its train part.

    Rows are dealt to folds by a seeded shuffle, as many to each but for one. The vocabulary stays:
    an id whose train rows are all in the fold is known, but nothing was learned of it. Validation
    and test part of the split are not read.

    Args:
        split: Its train part is cut.
        number: Which fold, 1 for the first.
        count: How many there are.
        seed: Of the shuffle.

    Raises:
        ModelsError: There are fewer rows than folds.
    """
    rows = len(split.train)
    if rows < count:
        raise ModelsError(
            f"`folds` must be at most as many as the train part's rows, but got {count} for {rows}."
        )
    order = np.random.default_rng(seed).permutation(rows)
    held = np.zeros(rows, bool)
    held[order[number - 1 :: count]] = True
    return replace(split, train=_rows(split.train, ~held), valid=_rows(split.train, held))


def _rows(part: Part, kept: np.ndarray) -> Part:
    return Part(part.users[kept], part.movies[kept], part.scores[kept], part.rows[kept])
