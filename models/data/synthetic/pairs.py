"""Draw the (user, movie) pairs of made-up ratings.

The pairs are distinct, and a few users and a few movies have most of them.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_ACTIVITY_SIGMA = 1.1
_ZIPF_POWER, _ZIPF_SHIFT = 1.1, 30.0
_REJECTION_ROUNDS = 12


def draw_pairs(
    rng: np.random.Generator, *, rows: int, users: int, movies: int, least: int, most: int
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Draw distinct pairs of a user and a movie.

    Args:
        rng: Draws at random.
        rows: How many pairs.
        users: How many users, each in `least` to `most` pairs.
        movies: How many movies, each in at least one pair.
        least: Fewest pairs of a user.
        most: Most pairs of a user.

    Returns:
        Codes of users and of movies, each `[row]`, sorted by user.
    """
    activity = _activity(rng, rows, users, least=least, most=min(most, movies))
    ranks = np.arange(movies, dtype=np.float64) + 1.0
    weights: NDArray[np.float64] = 1.0 / (ranks + _ZIPF_SHIFT) ** _ZIPF_POWER
    weights = rng.permutation(weights / weights.sum())
    keys = _draw_keys(rng, activity, weights)
    user_codes = (keys // movies).astype(np.int32)
    movie_codes = (keys % movies).astype(np.int32)
    _reach_every_movie(rng, movie_codes, movies)
    return user_codes, movie_codes


def _activity(
    rng: np.random.Generator, rows: int, users: int, *, least: int, most: int
) -> NDArray[np.int64]:
    """Draw each user's number of pairs: log-normal, from `least` to `most`, `rows` in total."""
    weights = rng.lognormal(0.0, _ACTIVITY_SIGMA, users)
    low, high = 0.0, float(rows)
    for _ in range(100):
        middle = (low + high) / 2
        if np.clip(np.rint(weights * middle), least, most).sum() < rows:
            low = middle
        else:
            high = middle
    counts = np.clip(np.rint(weights * low), least, most).astype(np.int64)
    while short := rows - int(counts.sum()):
        step = 1 if short > 0 else -1
        room = np.flatnonzero(counts < most if short > 0 else counts > least)
        counts[rng.permutation(room)[: abs(short)]] += step
    return counts


def _draw_keys(
    rng: np.random.Generator, activity: NDArray[np.int64], weights: NDArray[np.float64]
) -> NDArray[np.int64]:
    """Draw each user's movies by weight, without replacement.

    A movie that a user has drawn already is drawn again. The few users who still lack movies after
    12 rounds (those who rate half the catalogue) get the rest at once, by the Gumbel top-k trick.

    Returns:
        Sorted distinct keys, user * number of movies + movie, `[row]`.
    """
    n_movies = len(weights)
    cumulative = np.cumsum(weights)
    cumulative /= cumulative[-1]
    keys = np.empty(0, np.int64)
    missing = activity.copy()
    for _ in range(_REJECTION_ROUNDS):
        owners = np.repeat(np.arange(len(activity), dtype=np.int64), missing)
        if not len(owners):
            return keys
        drawn = owners * n_movies + np.searchsorted(cumulative, rng.random(len(owners)), "right")
        del owners
        drawn = _distinct(drawn)
        if len(keys):
            place = np.minimum(np.searchsorted(keys, drawn), len(keys) - 1)
            drawn = drawn[keys[place] != drawn]
        keys = np.concatenate([keys, drawn])
        keys.sort(kind="stable")
        missing -= np.bincount(drawn // n_movies, minlength=len(missing))
    rest = [keys]
    for user in np.flatnonzero(missing):
        start, end = np.searchsorted(keys, [user * n_movies, (user + 1) * n_movies])
        chance = np.log(weights) + rng.gumbel(size=n_movies)
        chance[keys[start:end] - user * n_movies] = -np.inf
        chosen = np.argpartition(chance, -missing[user])[-missing[user] :]
        rest.append(user * n_movies + chosen)
    return np.sort(np.concatenate(rest))


def _distinct(values: NDArray[np.int64]) -> NDArray[np.int64]:
    """Sort values, in place, and keep one of each."""
    values.sort()
    keep = np.empty(len(values), bool)
    keep[:1] = True
    np.not_equal(values[1:], values[:-1], out=keep[1:])
    return values[keep]


def _reach_every_movie(
    rng: np.random.Generator, movie_codes: NDArray[np.int32], movies: int
) -> None:
    """Give movies without a row one row of a movie with several; change `movie_codes` in place."""
    counts = np.bincount(movie_codes, minlength=movies)
    unseen = np.flatnonzero(counts == 0)
    # All rows but one of each movie are free to give.
    order = rng.permutation(len(movie_codes))
    first = np.zeros(len(movie_codes), bool)
    _, where = np.unique(movie_codes[order], return_index=True)
    first[where] = True
    free = order[~first]
    movie_codes[free[: len(unseen)]] = unseen
