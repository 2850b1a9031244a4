"""Train, validation and test parts by a named protocol."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.data.ratings import Ratings
from models.data.vocabulary import Vocabulary
from models.errors import ModelsError

SPLITS = ("published", "random", "temporal", "leave-last-out")

_TEST_SHARE = 0.3
_VALID_SHARE = 0.2
_PUBLISHED_SEED = 42

Rows = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Part:
    """Rows of one part of a split.

    Attributes:
        users: Codes in the split's vocabulary, `[row]`.
        movies: The same of movies, `[row]`.
        scores: Scores, `[row]`.
        rows: Positions in the ratings that were split, `[row]`.
    """

    users: NDArray[np.int32]
    movies: NDArray[np.int32]
    scores: NDArray[np.float32]
    rows: Rows

    def __len__(self) -> int:
        return len(self.scores)


@dataclass(frozen=True, slots=True)
class Split:
    """Ratings in three parts.

    Attributes:
        protocol: Name of the protocol.
        seed: What seeded it.
        train: What a model is fitted on.
        valid: What a search looks at.
        test: Sealed: nothing in a search reads it.
        vocabulary: The ids that a model knows.
        duplicates_dropped: Earlier ratings of a (user, movie) pair, left out.
        unseen: Distinct users and movies of `valid` and `test` without a row in train
            (`valid_users`, `valid_movies`, `test_users`, `test_movies`), and the rows that have
            one (`valid_rows`, `test_rows`).
        warnings: What the user should know, one line each.
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


def split_ratings(ratings: Ratings, protocol: str = "published", *, seed: int = 42) -> Split:
    """Split ratings.

    `published` is the published protocol: scikit-learn's 70/30 with seed 42 in file order, then
    the last 20 % of the train rows as Keras cuts a `validation_split`; no duplicate is dropped,
    and the vocabulary is every id. The others drop earlier ratings of a pair, know the train
    part's ids alone, and use the same shares: `random` permutes with `seed`, `temporal` cuts by
    time, `leave-last-out` takes each user's last rating for test and the one before for
    validation (users with fewer than 3 stay in train).

    Args:
        ratings: What to split.
        protocol: One of `SPLITS`.
        seed: Of `random`; the others do not use it.

    Returns:
        The parts.

    Raises:
        ModelsError: The protocol is unknown, needs times that are not there, or leaves a part
            empty.
    """
    if protocol not in SPLITS:
        raise ModelsError(f"`split` must be one of {', '.join(SPLITS)}, but got {protocol!r}.")
    if protocol == "published":
        _enough(len(ratings), protocol)
        return _split(ratings, protocol, _PUBLISHED_SEED, published_rows(len(ratings)))
    kept = _last_of_each_pair(ratings)
    if protocol == "random":
        order = kept[np.random.default_rng(seed).permutation(len(kept))]
        parts = _cut(order, protocol)
    elif protocol == "temporal":
        parts = _cut(kept[np.argsort(_times(ratings, protocol)[kept], kind="stable")], protocol)
    else:
        parts = _leave_last_out(ratings, kept, _times(ratings, protocol))
    return _split(ratings, protocol, seed, parts)


def published_rows(count: int) -> tuple[Rows, Rows, Rows]:
    """Row positions of train, validation and test under the published protocol."""
    from sklearn.model_selection import train_test_split

    rows = np.arange(count, dtype=np.int64)
    train, test = train_test_split(rows, test_size=_TEST_SHARE, random_state=_PUBLISHED_SEED)
    cut = int(np.floor(len(train) * (1.0 - _VALID_SHARE)))
    return train[:cut], train[cut:], test


def _cut(order: Rows, protocol: str) -> tuple[Rows, Rows, Rows]:
    _enough(len(order), protocol)
    test = len(order) - int(np.ceil(len(order) * _TEST_SHARE))
    valid = int(np.floor(test * (1.0 - _VALID_SHARE)))
    return order[:valid], order[valid:test], order[test:]


def _enough(count: int, protocol: str) -> None:
    if count < 4:
        raise ModelsError(
            f"The split `{protocol}` needs at least 4 ratings, one a part and more to train on, "
            f"but got {count}."
        )


def _times(ratings: Ratings, protocol: str) -> NDArray[np.int64]:
    if ratings.timestamps is None:
        raise ModelsError(
            f"The split `{protocol}` needs the time of each rating, but {ratings.source} has none. "
            "Name the column with `--timestamp-column`, or use `--split random`."
        )
    return ratings.timestamps


def _last_of_each_pair(ratings: Ratings) -> Rows:
    keys = ratings.user_codes.astype(np.int64) * ratings.n_movies + ratings.movie_codes
    _, last = np.unique(keys[::-1], return_index=True)
    rows: Rows = np.sort(len(keys) - 1 - last).astype(np.int64)
    return rows


def _leave_last_out(
    ratings: Ratings, kept: Rows, times: NDArray[np.int64]
) -> tuple[Rows, Rows, Rows]:
    order = kept[np.lexsort((kept, times[kept], ratings.user_codes[kept]))]
    users = ratings.user_codes[order]
    counts = np.bincount(users, minlength=ratings.n_users)
    ends = np.cumsum(counts)
    from_end = ends[users] - np.arange(len(order))
    held_out = counts[users] >= 3
    test, valid = held_out & (from_end == 1), held_out & (from_end == 2)
    if not test.any():
        raise ModelsError(
            "The split `leave-last-out` needs a user with at least 3 ratings, but got "
            f"{int(counts.max())} at most."
        )
    train = ~(test | valid)
    return np.sort(order[train]), np.sort(order[valid]), np.sort(order[test])


def _split(ratings: Ratings, protocol: str, seed: int, parts: tuple[Rows, Rows, Rows]) -> Split:
    users = _Recoder(ratings.user_codes, parts[0], ratings.n_users, protocol == "published")
    movies = _Recoder(ratings.movie_codes, parts[0], ratings.n_movies, protocol == "published")
    vocabulary = Vocabulary(users.known(ratings.user_ids), movies.known(ratings.movie_ids))
    train, valid, test = (
        Part(users.codes(rows), movies.codes(rows), ratings.scores[rows], rows) for rows in parts
    )
    unseen: dict[str, int] = {}
    for name, rows in (("valid", parts[1]), ("test", parts[2])):
        new_user, new_movie = users.unseen(rows), movies.unseen(rows)
        unseen[f"{name}_users"] = len(np.unique(ratings.user_codes[rows][new_user]))
        unseen[f"{name}_movies"] = len(np.unique(ratings.movie_codes[rows][new_movie]))
        unseen[f"{name}_rows"] = int((new_user | new_movie).sum())
    dropped = len(ratings) - sum(len(rows) for rows in parts)
    warnings = []
    if dropped:
        warnings.append(
            f"{dropped:,} earlier ratings of the same user and movie were dropped; the last counts."
        )
    if protocol == "published" and (twice := len(ratings) - len(_last_of_each_pair(ratings))):
        warnings.append(
            f"{twice:,} ratings repeat a user and movie; the split `published` keeps them all."
        )
    return Split(protocol, seed, train, valid, test, vocabulary, dropped, unseen, tuple(warnings))


class _Recoder:
    """Codes of the ratings turned into codes of the vocabulary."""

    def __init__(self, codes: NDArray[np.int32], train: Rows, count: int, keep_all: bool) -> None:
        self._codes = codes
        self._in_train = np.bincount(codes[train], minlength=count) > 0
        self._kept = np.ones(count, bool) if keep_all else self._in_train
        known = int(self._kept.sum())
        self._new = np.full(count, known, np.int32)
        self._new[self._kept] = np.arange(known, dtype=np.int32)

    def known(self, ids: NDArray[np.generic]) -> NDArray[np.generic]:
        return ids[self._kept]

    def codes(self, rows: Rows) -> NDArray[np.int32]:
        codes: NDArray[np.int32] = self._new[self._codes[rows]]
        return codes

    def unseen(self, rows: Rows) -> NDArray[np.bool_]:
        flags: NDArray[np.bool_] = ~self._in_train[self._codes[rows]]
        return flags
