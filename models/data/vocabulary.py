"""Encode raw ids of users and movies as rows of their embedding tables."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.data.whole_numbers import plain_number


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The known users and movies; a code is an id's index among the sorted known ids.

    All unknown ids share one more code, that after the last.

    Attributes:
        user_ids: Sorted known ids, int64 or objects of str, `[user]`.
        movie_ids: Sorted known ids, int64 or objects of str, `[movie]`.

    Example:
        >>> vocabulary = Vocabulary(user_ids=np.array([7, 9]), movie_ids=np.array([1, 2, 3]))
        >>> vocabulary.encode_users([9, "7", "7.0", 8]).tolist()  # 8 is unknown
        [1, 0, 0, 2]
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
            raw: Integers or strings, `[row]`; "7", "7.0", 7.0 and 7 are the same id.

        Returns:
            Codes, `[row]`, `n_users` for an unknown id.
        """
        return _encode(self.user_ids, raw)

    def encode_movies(self, raw: Any) -> NDArray[np.int32]:
        """Encode raw ids of movies.

        Args:
            raw: Integers or strings, `[row]`; "7", "7.0", 7.0 and 7 are the same id.

        Returns:
            Codes, `[row]`, `n_movies` for an unknown id.
        """
        return _encode(self.movie_ids, raw)


def write_ids(vocabulary: Vocabulary, folder: Path) -> None:
    """Write the known ids, in the order of their codes, as `models.serving` reads them.

    Args:
        vocabulary: Has the ids.
        folder: Gets `users.json` and `movies.json`.
    """
    for name, ids in (("users", vocabulary.user_ids), ("movies", vocabulary.movie_ids)):
        (folder / f"{name}.json").write_text(json.dumps(ids.tolist()), encoding="utf-8")


def _encode(known: NDArray[Any], raw: Any) -> NDArray[np.int32]:
    """Find the index of each raw id among the known ids; an unknown id gets `len(known)`."""
    truths = isinstance(raw, list | tuple) and any(isinstance(each, bool) for each in raw)
    # Beside whole numbers, NumPy would take True for 1.
    values = np.atleast_1d(np.asarray(raw, dtype=object if truths else None))
    if known.dtype == object or values.dtype.kind not in "iu":
        codes = _codes_by_text(known)
        found = [_find(codes, value, len(known)) for value in values.tolist()]
        return np.array(found, np.int32)
    # uint64 beyond int64 would wrap around onto another id.
    missing = values > np.iinfo(np.int64).max if values.dtype == np.uint64 else np.zeros(1, bool)
    values = np.where(missing, 0, values).astype(np.int64)
    if not len(known):
        return np.zeros(len(values), np.int32)
    place = np.minimum(np.searchsorted(known, values), len(known) - 1)
    hit = (known[place] == values) & ~missing
    return np.where(hit, place, len(known)).astype(np.int32)


def _codes_by_text(known: NDArray[Any]) -> dict[str, int]:
    """Map the text of each known id to its code, and "1" to that of "1.0" where there is no "1"."""
    texts = [str(each) for each in known.tolist()]
    codes = {plain_number(text): code for code, text in enumerate(texts)}
    return codes | {text: code for code, text in enumerate(texts)}


def _find(codes: dict[str, int], value: Any, unknown: int) -> int:
    """Find the code of one raw id: of its text, else of that as ids are written by the readers."""
    text = _as_text(value)
    if text is None:
        return unknown
    return codes.get(text, codes.get(plain_number(text.strip()), unknown))


def _as_text(value: Any) -> str | None:
    """Write a raw id as text, 7 and 7.0 as "7"; None if it is neither text nor a whole number."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value:
        return None
    if isinstance(value, float) and not value.is_integer():
        return None
    return str(int(value))
