"""Cut a train part into folds for cross-validation."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from models.data.split import Part, Split
from models.errors import ModelsError


def fold_of(split: Split, number: int, count: int, *, seed: int) -> Split:
    """Take one fold of the train part as the validation part, and the other folds as train part.

    A seeded shuffle deals the rows to the folds, whose sizes differ by one row at most. The
    vocabulary stays: an id whose train rows are all in the fold is known, but nothing was learned
    of it. The split's own validation part is not read, and its test part stays as it is.

    Args:
        split: Its train part is cut.
        number: Which fold, 1 for the first.
        count: How many folds there are.
        seed: Seeds the shuffle.

    Returns:
        The split with the two new parts.

    Raises:
        ModelsError: There are fewer rows than folds.

    Example:
        >>> len(split.train)
        4
        >>> fold = fold_of(split, 1, 4, seed=0)
        >>> len(fold.train), len(fold.valid)
        (3, 1)
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
    """Take the rows of a part that the mask `kept`, `[row]`, selects."""
    return Part(part.users[kept], part.movies[kept], part.scores[kept], part.rows[kept])
