"""Make up ratings in the shape of the published MUBI data."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.data.synthetic.pairs import draw_pairs
from models.data.table import IdColumn, RatingTable
from models.errors import ModelsError
from models.published_figures import load_published

LARGEST_SCALE = 10.0
_SMALLEST_USERS = 10
_SMALL_CATALOGUE = 2000
_LEAST, _MOST = 20, 1000

# Standard deviations of what makes up a score before it is mapped onto the published histogram:
# biases explain about a third of the variance, factors a tenth, the rest is noise.
_USER_BIAS, _MOVIE_BIAS, _FACTORS, _NOISE = 0.40, 0.42, 0.36, 0.73
_RANK = 8
_CHUNK_ROWS = 1 << 20
_FIRST_SECOND, _LAST_SECOND = 1_199_145_600, 1_577_836_800  # 2008 to 2020


@dataclass(frozen=True, slots=True)
class SyntheticShape:
    """How many ratings, users and movies are made up.

    Attributes:
        rows: Ratings.
        users: Users, each with 20 to 1000 ratings.
        movies: Movies, each with at least one rating.
    """

    rows: int
    users: int
    movies: int


def synthetic_shape(scale: float) -> SyntheticShape:
    """Scale the published numbers of ratings, users and movies; 1 leaves them as they are.

    Rows and users grow linearly. Movies do too, but are never fewer than 2,000 (or half the rows,
    where that is less): with the catalogue cut as hard as the users, a user's 137 ratings would
    cover it whole.

    Args:
        scale: Above 0 and at most 10.

    Returns:
        The shape.

    Raises:
        ModelsError: The scale is out of range, or leaves fewer than 10 users.
    """
    if not 0 < scale <= LARGEST_SCALE:
        raise ModelsError(
            f"The scale of `synthetic` must be above 0 and at most {LARGEST_SCALE:g}, "
            f"but got {scale:g}. `synthetic:1` is the published size."
        )
    data = load_published()["dataset"]
    rows, users = (round(data[f"{key}_after_filter"] * scale) for key in ("rows", "users"))
    if users < _SMALLEST_USERS:
        raise ModelsError(
            f"The scale of `synthetic` must leave at least {_SMALLEST_USERS} users, but {scale:g} "
            f"leaves {users}. Use at least {_SMALLEST_USERS / data['users_after_filter']:.2g}."
        )
    floor = min(_SMALL_CATALOGUE, rows // 2)
    return SyntheticShape(rows, users, max(round(data["movies_after_filter"] * scale), floor))


def synthetic_table(scale: float, *, seed: int) -> RatingTable:
    """Make up ratings that are distributed like the published ones, `scale` times as many.

    Movies are popular by a Zipf-Mandelbrot law, users active by a log-normal one. A score is user
    bias + movie bias + the product of 8 factors + noise, mapped by rank onto the published
    histogram, so its counts are exact.

    Args:
        scale: See `synthetic_shape`.
        seed: Seeds everything; the same seed gives the same ratings.

    Returns:
        The ratings, in random order, no (user, movie) pair twice.

    Raises:
        ModelsError: See `synthetic_shape`.
    """
    shape = synthetic_shape(scale)
    rng = np.random.default_rng(seed)
    users, movies = draw_pairs(
        rng, rows=shape.rows, users=shape.users, movies=shape.movies, least=_LEAST, most=_MOST
    )
    order = rng.permutation(shape.rows)
    users, movies = users[order], movies[order]
    del order
    scores = _scores(rng, users, movies, shape)
    return RatingTable(
        IdColumn(users, _ids(rng, shape.users)),
        IdColumn(movies, _ids(rng, shape.movies)),
        scores,
        _timestamps(rng, users, shape.users),
        np.arange(shape.rows, dtype=np.int64),
        shape.rows,
    )


def _ids(rng: np.random.Generator, count: int) -> NDArray[np.int64]:
    """Draw distinct ids in rising order, with gaps; no id equals its index."""
    return np.cumsum(rng.integers(1, 200, size=count), dtype=np.int64) + 1000


def _scores(
    rng: np.random.Generator,
    users: NDArray[np.int32],
    movies: NDArray[np.int32],
    shape: SyntheticShape,
) -> NDArray[np.float32]:
    """Draw the score of each row, `[row]`."""
    user_bias = rng.normal(0, _USER_BIAS, shape.users).astype(np.float32)
    movie_bias = rng.normal(0, _MOVIE_BIAS, shape.movies).astype(np.float32)
    spread = (_FACTORS**2 / _RANK) ** 0.25  # product of two such normals, summed over the rank
    user_factors = rng.normal(0, spread, (shape.users, _RANK)).astype(np.float32)
    movie_factors = rng.normal(0, spread, (shape.movies, _RANK)).astype(np.float32)
    liking = np.empty(len(users), np.float32)
    for start in range(0, len(users), _CHUNK_ROWS):
        rows = slice(start, start + _CHUNK_ROWS)
        user, movie = users[rows], movies[rows]
        taste = np.einsum("rf,rf->r", user_factors[user], movie_factors[movie])
        noise = rng.standard_normal(len(user), dtype=np.float32) * np.float32(_NOISE)
        liking[rows] = user_bias[user] + movie_bias[movie] + taste + noise
    return _onto_histogram(liking)


def _onto_histogram(liking: NDArray[np.float32]) -> NDArray[np.float32]:
    """Turn each row's liking into a score: the rank decides, in MUBI's published proportions."""
    published = load_published()["dataset"]["score_counts"]
    scores = np.array([float(score) for score in published], np.float32)
    counts = largest_remainder(np.array(list(published.values()), np.int64), len(liking))
    by_row = np.empty(len(liking), np.float32)
    by_row[np.argsort(liking, kind="stable")] = np.repeat(scores, counts)
    return by_row


def largest_remainder(counts: NDArray[np.int64], total: int) -> NDArray[np.int64]:
    """Scale whole counts to a new total; each stays within 1 of its exact scaled value.

    Counts of 1, 1 and 1 in a total of 4 are 2, 1 and 1.

    Args:
        counts: Counts, `[class]`.
        total: Their new sum.

    Returns:
        New counts, `[class]`.
    """
    scaled = counts * total
    whole, rest = np.divmod(scaled, counts.sum())
    short = total - int(whole.sum())
    whole[np.argsort(-rest, kind="stable")[:short]] += 1
    result: NDArray[np.int64] = whole
    return result


def _timestamps(
    rng: np.random.Generator, users: NDArray[np.int32], n_users: int
) -> NDArray[np.int64]:
    """Draw the time of each row: a user joins at some time and rates from then on."""
    joined = rng.integers(_FIRST_SECOND, _LAST_SECOND, n_users)
    passed = rng.random(len(users), dtype=np.float32)
    start = joined[users]
    return start + ((_LAST_SECOND - start) * passed).astype(np.int64)
