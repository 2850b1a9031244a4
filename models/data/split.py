"""The records of a split: ratings in a train, a validation and a test part."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.data.vocabulary import Vocabulary

GIVEN = "given"
"""The protocol of ratings that came split already."""


@dataclass(frozen=True, slots=True)
class Part:
    """The rows of the train part, of the validation part or of the test part of a split.

    The split's vocabulary gives the code of each user and movie.

    Attributes:
        users: Code of each row's user, `[row]`.
        movies: Code of each row's movie, `[row]`.
        scores: Score of each row, `[row]`.
        rows: Positions in the `Ratings` that were split, `[row]`.

    Example:
        >>> len(split.train), split.train.scores.tolist()
        (4, [4.0, 2.0, 5.0, 3.0])
    """

    users: NDArray[np.int32]
    movies: NDArray[np.int32]
    scores: NDArray[np.float32]
    rows: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.scores)


@dataclass(frozen=True, slots=True)
class Split:
    """Ratings split into a train, a validation and a test part.

    Attributes:
        protocol: Name of the protocol.
        seed: The seed that was used.
        train: What a model is fitted on.
        valid: What a search looks at.
        test: What only the winner is scored on.
        vocabulary: The known ids, and the code of each.
        duplicates_dropped: Rows left out since a later one has the same user and movie.
        unseen: How many ids of a part the train part lacks (`valid_users`, `valid_movies`,
            `test_users`, `test_movies`), and the rows that have one (`valid_rows`, `test_rows`).
        warnings: What the user should know, one line each.
        validation: By which protocol the validation part was taken out of the train file, where
            the ratings came split already and had none; else empty.

    Example:
        >>> len(split.train), len(split.valid), len(split.test)
        (4, 2, 1)
        >>> split.vocabulary.n_users, split.vocabulary.n_movies
        (2, 3)
    """

    protocol: str
    seed: int
    train: Part
    valid: Part
    test: Part
    vocabulary: Vocabulary
    duplicates_dropped: int
    unseen: Mapping[str, int]
    warnings: tuple[str, ...]
    validation: str = ""
