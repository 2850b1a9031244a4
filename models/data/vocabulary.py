"""Encode raw ids of users and movies as rows of their embedding tables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The known users and movies; a code is an id's index among the sorted known ids.

    All unknown ids share one more code, that after the last.

    Attributes:
        user_ids: Sorted known ids, int64 or objects of str, `[user]`.
        movie_ids: Sorted known ids, int64 or objects of str, `[movie]`.

    Example:
        >>> vocabulary = Vocabulary(user_ids=np.array([7, 9]), movie_ids=np.array([1, 2, 3]))
        >>> vocabulary.encode_users([9, "7", 8]).tolist()  # 8 is unknown
        [1, 0, 2]
    """

    user_ids: NDArray[Any]
    movie_ids: NDArray[Any]

    @property
    def n_users(self) -> int:
        """Number of known users, which is also the code of every unknown user."""
        return len(self.user_ids)

    @property
    def n_movies(self) -> int:
        """Number of known movies, which is also the code of every unknown movie."""
        return len(self.movie_ids)

    @property
    def user_rows(self) -> int:
        """Rows of a user embedding table: one for each known user, one for all unknown users."""
        return self.n_users + 1

    @property
    def movie_rows(self) -> int:
        """Rows of a movie embedding table: one for each known movie, one for all unknown movies."""
        return self.n_movies + 1

    def encode_users(self, raw: Any) -> NDArray[np.int32]:
        """Encode raw ids of users.

        Args:
            raw: Integers or strings, `[row]`; "7" and 7 are the same id.

        Returns:
            Codes, `[row]`, `n_users` for an unknown id.
        """
        return _encode(self.user_ids, raw)

    def encode_movies(self, raw: Any) -> NDArray[np.int32]:
        """Encode raw ids of movies.

        Args:
            raw: Integers or strings, `[row]`; "7" and 7 are the same id.

        Returns:
            Codes, `[row]`, `n_movies` for an unknown id.
        """
        return _encode(self.movie_ids, raw)


def _encode(known: NDArray[Any], raw: Any) -> NDArray[np.int32]:
    """Find the index of each raw id among the known ids; an unknown id gets `len(known)`."""
    text = known.dtype == object
    values = np.atleast_1d(np.asarray(raw))
    if text or values.dtype.kind not in "iu":
        as_id = _as_text if text else _as_integer
        ids = [as_id(value) for value in values.tolist()]
        missing = np.array([one is None for one in ids], bool)
        filler: Any = "" if text else 0
        values = np.array([filler if one is None else one for one in ids], known.dtype)
    else:
        # uint64 beyond int64 would wrap around onto another id.
        missing = (
            values > np.iinfo(np.int64).max if values.dtype == np.uint64 else np.zeros(1, bool)
        )
        values = np.where(missing, 0, values).astype(np.int64)
    if not len(known):
        return np.zeros(len(values), np.int32)
    place = np.minimum(np.searchsorted(known, values), len(known) - 1)
    hit = (known[place] == values) & ~missing
    return np.where(hit, place, len(known)).astype(np.int32)


def _as_text(value: Any) -> str | None:
    """Read a raw id as text, 7 and 7.0 as "7"; None if it is neither text nor a whole number."""
    if isinstance(value, str):
        return value
    whole = _as_integer(value)
    return None if whole is None else str(whole)


def _as_integer(value: Any) -> int | None:
    """Read a raw id as a 64-bit integer, "7" and 7.0 as 7; None for anything else, such as "07"."""
    if isinstance(value, str):
        if not value.lstrip("-").isascii() or str(_int(value)) != value:
            return None
        value = _int(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value:
        return None
    if abs(value) >= 2**63 or int(value) != value:
        return None
    return int(value)


def _int(text: str) -> int | None:
    try:
        return int(text)
    except ValueError:
        return None
