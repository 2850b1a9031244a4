"""The ids that a model knows, and the slot for those that it does not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Known users and movies; a known id's code is its index, an unknown one's the last slot.

    Attributes:
        user_ids: Sorted raw ids, int64 or objects of str, `[user]`.
        movie_ids: The same of movies, `[movie]`.
    """

    user_ids: NDArray[Any]
    movie_ids: NDArray[Any]

    @property
    def n_users(self) -> int:
        """Known users."""
        return len(self.user_ids)

    @property
    def n_movies(self) -> int:
        """Known movies."""
        return len(self.movie_ids)

    @property
    def user_rows(self) -> int:
        """Rows of a user table: the known ones and one for unknown ones."""
        return self.n_users + 1

    @property
    def movie_rows(self) -> int:
        """Rows of a movie table: the known ones and one for unknown ones."""
        return self.n_movies + 1

    def encode_users(self, raw: Any) -> NDArray[np.int32]:
        """Codes `[row]` of raw user ids `[row]`."""
        return _codes(self.user_ids, raw)

    def encode_movies(self, raw: Any) -> NDArray[np.int32]:
        """Codes `[row]` of raw movie ids `[row]`."""
        return _codes(self.movie_ids, raw)


def _codes(known: NDArray[Any], raw: Any) -> NDArray[np.int32]:
    import pandas as pd

    codes = pd.Index(known).get_indexer(pd.Index(raw))
    return np.where(codes < 0, len(known), codes).astype(np.int32)
