"""Split ratings into a train, a validation and a test part by a named protocol.

`published`: scikit-learn's `train_test_split(test_size=0.3, random_state=42)` in file order, then
the last 20 % of the train rows as validation part, as Keras' `validation_split=0.2` cuts them. The
seed is always 42, duplicates stay, and all ids are in the vocabulary.

The other protocols keep the last of each (user, movie) pair, in time where there are times, and
their vocabulary has the ids of the train part alone. `random`: the same shares (56, 14 and 30 %) of
a seeded shuffle. `temporal`: the same shares in order of time. `leave-last-out`: each user's last
rating is test, the one before it validation; users with fewer than 3 ratings stay in the train
part.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.checks import check_one_of
from models.data.ratings import Ratings
from models.data.repeats import last_of_each_pair
from models.data.split import GIVEN, Part, Split
from models.data.vocabulary import Vocabulary
from models.errors import ModelsError

PUBLISHED_SEED = 42
_TEST_SHARE, _VALID_SHARE = 0.3, 0.2
_FEWEST_TO_HOLD_OUT = 3

Positions = NDArray[np.int64]
_Three = tuple[Positions, Positions, Positions]


def split_ratings(ratings: Ratings, protocol: str = "published", *, seed: int = 42) -> Split:
    """Split ratings into a train, a validation and a test part.

    `published` and `random` leave 30 % of the rows to the test part and 14 % to validation, at
    random; `temporal` the latest rows, in the same shares. `leave-last-out` leaves each user's last
    rating to the test part and the one before it to validation. The module says it in full.

    Args:
        ratings: What to split.
        protocol: One of `SPLITS`.
        seed: Seeds `random`, and the validation part of a given train file that is drawn at random.

    Raises:
        ModelsError: The protocol is unknown, lacks times, or would leave a part empty; or there is
            only one user or movie.

    Example:
        >>> from models.data import load_ratings
        >>> split = split_ratings(load_ratings("ratings.csv"), "random", seed=1)  # 10 rows
        >>> len(split.train), len(split.valid), len(split.test)
        (5, 2, 3)
    """
    check_one_of("split", protocol, SPLITS)
    if ratings.part is not None:
        return _already_split(ratings, protocol, seed)
    for name, count in (("users", ratings.n_users), ("movies", ratings.n_movies)):
        if count < 2:
            raise ModelsError(f"A split needs at least 2 {name}, but {ratings.source} has {count}.")
    published = protocol == "published"
    kept = np.arange(len(ratings)) if published else last_of_each_pair(ratings)
    parts = _PROTOCOLS[protocol](ratings, kept, seed)
    _refuse_empty(parts, protocol, len(kept))
    return _assemble(ratings, parts, protocol, seed, dropped=len(ratings) - len(kept))


def _refuse_empty(parts: _Three, protocol: str, count: int) -> None:
    """Refuse a split of `count` ratings that leaves a part empty."""
    for name, rows in zip(("train", "validation", "test"), parts, strict=True):
        if not len(rows):
            raise ModelsError(
                f"The split `{protocol}` must leave rows in each part, but of {count} ratings "
                f"none is left for {name}. Give it more ratings."
            )


def _already_split(ratings: Ratings, protocol: str, seed: int) -> Split:
    """Split ratings whose test part, and perhaps validation part, came in files of their own.

    Without a file the validation part is a fifth of the train file, taken as `protocol` would; of
    each user the last rating for `leave-last-out`. `published` has no order to go by, since such a
    file is often sorted by its users: it draws the fifth by the seed, as `random` does.
    """
    assert ratings.part is not None
    kept = np.arange(len(ratings))
    if protocol != "published":
        kept = last_of_each_pair(ratings)
    train, valid, test = (kept[ratings.part[kept] == place] for place in range(3))
    by_rule = not (ratings.part == 1).any()
    rule = "random" if protocol == "published" else protocol
    if by_rule:
        train, valid = _VALIDATION[rule](ratings, train, seed)
    _refuse_empty((train, valid, test), GIVEN, len(kept))
    split = _assemble(ratings, (train, valid, test), GIVEN, seed, dropped=len(ratings) - len(kept))
    return replace(split, validation=rule if by_rule else "")


def _assemble(ratings: Ratings, parts: _Three, protocol: str, seed: int, *, dropped: int) -> Split:
    """Make the split from the row positions of its train, validation and test part."""
    published = protocol == "published"
    user_map, users = _known(ratings.user_codes[parts[0]], ratings.user_ids, everything=published)
    movie_map, movies = _known(
        ratings.movie_codes[parts[0]], ratings.movie_ids, everything=published
    )
    train, valid, test = (
        Part(
            user_map[ratings.user_codes[rows]],
            movie_map[ratings.movie_codes[rows]],
            ratings.scores[rows],
            rows,
        )
        for rows in parts
    )
    vocabulary = Vocabulary(users, movies)
    return Split(
        protocol,
        PUBLISHED_SEED if published else seed,
        train,
        valid,
        test,
        vocabulary,
        dropped,
        _unseen(ratings, parts),
        _warnings(ratings, protocol, seed, dropped),
    )


def _known(
    train_codes: NDArray[np.int32], ids: NDArray[Any], *, everything: bool
) -> tuple[NDArray[np.int32], NDArray[Any]]:
    """Choose the known ids (those with a train row, or all where `everything`) and renumber them.

    Returns:
        The new code of each old code, and the known ids, sorted. Every unknown id gets the code
        after the last known one.
    """
    if everything:
        return np.arange(len(ids), dtype=np.int32), ids
    known = np.bincount(train_codes, minlength=len(ids)) > 0
    new_codes = np.where(known, np.cumsum(known) - 1, known.sum()).astype(np.int32)
    return new_codes, ids[known]


def _unseen(ratings: Ratings, parts: _Three) -> Mapping[str, int]:
    """Count users and movies of the validation and test part that have no row in the train part.

    Also count the rows of each part that have such a user or such a movie.
    """
    user_new = np.bincount(ratings.user_codes[parts[0]], minlength=ratings.n_users) == 0
    movie_new = np.bincount(ratings.movie_codes[parts[0]], minlength=ratings.n_movies) == 0
    unseen: dict[str, int] = {}
    for name, rows in (("valid", parts[1]), ("test", parts[2])):
        users, movies = ratings.user_codes[rows], ratings.movie_codes[rows]
        unseen[f"{name}_users"] = len(np.unique(users[user_new[users]]))
        unseen[f"{name}_movies"] = len(np.unique(movies[movie_new[movies]]))
        unseen[f"{name}_rows"] = int((user_new[users] | movie_new[movies]).sum())
    return unseen


def _warnings(ratings: Ratings, protocol: str, seed: int, dropped: int) -> tuple[str, ...]:
    """List what a user should know of the split, one line each."""
    warnings = []
    if protocol == "published":
        if seed != PUBLISHED_SEED:
            warnings.append(
                f"The split `published` always has the seed {PUBLISHED_SEED}, not {seed}."
            )
        twice = len(ratings) - len(last_of_each_pair(ratings))
        if twice:
            warnings.append(
                f"{_count(twice, 'rating repeats', 'ratings repeat')} a user and movie; "
                "`published` keeps them all."
            )
    if dropped:
        by_time = ratings.timestamps is not None and ratings.rules > 1
        where = "" if by_time else " (by the order of the file)"
        warnings.append(
            f"{_count(dropped, 'earlier rating', 'earlier ratings')}{where} of the same movie by "
            f"the same user {'was' if dropped == 1 else 'were'} dropped."
        )
    return tuple(warnings)


def _count(number: int, one: str, several: str) -> str:
    """Write a number before its noun: "1 rating repeats", "2 ratings repeat"."""
    return f"{number:,} {one if number == 1 else several}"


def _cut_validation(train: Positions) -> tuple[Positions, Positions]:
    """Cut the last fifth off the train rows, by Keras' own arithmetic for `validation_split`."""
    split_at = math.floor(len(train) * (1.0 - _VALID_SHARE))
    return train[:split_at], train[split_at:]


def _cut(order: Positions) -> _Three:
    """Cut ordered rows: about 56 % train part, then 14 % validation part, then 30 % test part.

    Of 10 rows the first 5 are train, the next 2 validation, and the last 3 test.
    """
    n_test = math.ceil(_TEST_SHARE * len(order))
    fitted, valid = _cut_validation(order[: len(order) - n_test])
    return fitted, valid, order[len(order) - n_test :]


def _published(ratings: Ratings, kept: Positions, seed: int) -> _Three:
    """Split by the protocol `published`; a single row becomes the train part."""
    return published_rows(len(kept)) if len(kept) > 1 else (kept, kept[:0], kept[:0])


def published_rows(count: int) -> _Three:
    """Split `count` rows by the protocol `published`.

    The rows are those of scikit-learn's `train_test_split(test_size=0.3, random_state=42)`, whose
    import would take a second: a permutation by NumPy's older generator, the test part first.

    Returns:
        Row positions of the train, the validation and the test part.
    """
    order = np.random.RandomState(PUBLISHED_SEED).permutation(count).astype(np.int64)
    n_test = math.ceil(_TEST_SHARE * count)
    return (*_cut_validation(order[n_test:]), order[:n_test])


def _random(ratings: Ratings, kept: Positions, seed: int) -> _Three:
    """Shuffle the rows by the seed, then cut them into the three parts."""
    return _cut(kept[np.random.default_rng(seed).permutation(len(kept))])


def _times(ratings: Ratings, protocol: str) -> NDArray[np.int64]:
    """Return the times of all rows, or refuse ratings that have none."""
    if ratings.timestamps is None:
        raise ModelsError(
            f"The split `{protocol}` needs times, but {ratings.source} has none. Name their column "
            "with `--timestamp-column`, or use the split `random`."
        )
    return ratings.timestamps


def _temporal(ratings: Ratings, kept: Positions, seed: int) -> _Three:
    """Split in order of time, the latest rows being the test part."""
    times = _times(ratings, "temporal")[kept]
    return _cut(kept[np.argsort(times, kind="stable")])


def _leave_last_out(ratings: Ratings, kept: Positions, seed: int) -> _Three:
    """Put each user's last rating in the test part, the last but one in the validation part."""
    times = _times(ratings, "leave-last-out")[kept]
    order = kept[np.lexsort((times, ratings.user_codes[kept]))]
    users = ratings.user_codes[order]
    counts = np.bincount(users, minlength=ratings.n_users)
    ends = np.cumsum(counts)
    from_end = ends[users] - np.arange(len(order))  # 1 for a user's last rating
    enough = counts[users] >= _FEWEST_TO_HOLD_OUT
    test, valid = enough & (from_end == 1), enough & (from_end == 2)
    return np.sort(order[~test & ~valid]), np.sort(order[valid]), np.sort(order[test])


def _last_of_each_user(
    ratings: Ratings, train: Positions, seed: int
) -> tuple[Positions, Positions]:
    """Take the last rating of each user who has two or more as validation part."""
    times = _times(ratings, "leave-last-out")[train]
    order = train[np.lexsort((times, ratings.user_codes[train]))]
    users = ratings.user_codes[order]
    last = np.append(users[1:] != users[:-1], True)
    last &= np.bincount(users)[users] > 1
    return np.sort(order[~last]), np.sort(order[last])


_VALIDATION: dict[str, Callable[[Ratings, Positions, int], tuple[Positions, Positions]]] = {
    "published": lambda ratings, train, seed: _cut_validation(train),
    "random": lambda ratings, train, seed: _cut_validation(
        train[np.random.default_rng(seed).permutation(len(train))]
    ),
    "temporal": lambda ratings, train, seed: _cut_validation(
        train[np.argsort(_times(ratings, "temporal")[train], kind="stable")]
    ),
    "leave-last-out": _last_of_each_user,
}
"""How the validation part is taken out of a train file, by protocol."""

_PROTOCOLS: dict[str, Callable[[Ratings, Positions, int], _Three]] = {
    "published": _published,
    "random": _random,
    "temporal": _temporal,
    "leave-last-out": _leave_last_out,
}
SPLITS = tuple(_PROTOCOLS)
