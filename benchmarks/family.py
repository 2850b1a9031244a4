"""A family of data sets on which searches are compared: one half to tune rules on, one held out.

    python benchmarks/family.py            # the sets, with what they are like
    python benchmarks/family.py FOLDER     # writes each as FOLDER/NAME.csv

Rules, recipes and constants may be chosen by looking at the half `TUNING`. The half `HELD_OUT` was
fixed before any tuning on the family began; it is only run to report. The made-up sets differ in
what makes a score, and in size, density, scale, noise, and how much ratings gather on some movies.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


class Pairs(NamedTuple):
    """Who rates what, in the order of time; no pair is there twice."""

    users: NDArray[np.int64]
    movies: NDArray[np.int64]


class Table(NamedTuple):
    """Ratings: users, movies, scores and times, `[row]` each."""

    users: NDArray[np.int64]
    movies: NDArray[np.int64]
    scores: Floats
    times: NDArray[np.int64]


class DataSet(NamedTuple):
    """A member of the family.

    Attributes:
        note: What it is like.
        make: Makes its ratings from a seeded generator.
    """

    note: str
    make: Callable[[np.random.Generator], Table]


def pairs(random: np.random.Generator, sizes: tuple[int, int, int], skew: float) -> Pairs:
    """Draw pairs of users and movies.

    Args:
        random: Draws.
        sizes: Numbers of users, movies and ratings.
        skew: 0 for movies that are rated equally often; the chance of the n-th is n ** -skew.
    """
    users, movies, count = sizes
    active = random.gamma(1.5, size=users)
    popular = random.permutation(np.arange(1, movies + 1.0) ** -skew)
    found: dict[int, None] = {}
    while len(found) < count:
        u = random.choice(users, count, p=active / active.sum())
        m = random.choice(movies, count, p=popular / popular.sum())
        found.update(dict.fromkeys((u * movies + m).tolist()))
    codes = np.array(list(found)[:count])
    return Pairs(codes // movies, codes % movies)


def scaled(values: Floats, low: float, high: float, step: float) -> Floats:
    """Bring values to a scale: the middle 95 % span it, the rest is cut off at its ends."""
    least, most = np.quantile(values, [0.025, 0.975])
    share = np.clip((values - least) / (most - least), 0, 1)
    return low + np.round(share * (high - low) / step) * step


def table(which: Pairs, scores: Floats) -> Table:
    """Ratings whose times are their order, an hour apart."""
    return Table(*which, scores, 1_000_000_000 + 3_600 * np.arange(len(scores)))


def biases(random: np.random.Generator, which: Pairs, user: float, movie: float) -> Floats:
    """A number a user and a number a movie, of these standard deviations, added up."""
    users, movies = which.users.max() + 1, which.movies.max() + 1
    return (
        random.normal(0, user, users)[which.users] + random.normal(0, movie, movies)[which.movies]
    )


def product(random: np.random.Generator, which: Pairs, rank: int) -> Floats:
    """A product of two vectors of a length, of variance 1."""
    users, movies = (random.normal(size=(ids.max() + 1, rank)) for ids in which)
    return np.einsum("rk,rk->r", users[which.users], movies[which.movies]) / np.sqrt(rank)


def _sample(random: np.random.Generator) -> Table:
    """The embedded sample of MovieLens, as it is."""
    from models.data.download.sample import movielens_table

    ratings = movielens_table()
    assert ratings.timestamps is not None
    ids = [column.values[column.codes] for column in (ratings.users, ratings.movies)]
    scores, times = ratings.scores.astype(np.float64), ratings.timestamps.astype(np.int64)
    return Table(*(each.astype(np.int64) for each in ids), scores, times)


def _half(of_users: bool) -> Callable[[np.random.Generator], Table]:
    def make(random: np.random.Generator) -> Table:
        whole = _sample(random)
        ids = whole.users if of_users else whole.movies
        chosen = random.random(ids.max() + 1) < 0.5
        return Table(*(column[chosen[ids]] for column in whole))

    return make


def _low_rank(random: np.random.Generator) -> Table:
    which = pairs(random, (800, 600, 20_000), 0.6)
    values = biases(random, which, 0.5, 0.5) + product(random, which, 5)
    return table(which, scaled(values + random.normal(0, 0.7, 20_000), 1, 10, 1))


def _only_biases(random: np.random.Generator) -> Table:
    which = pairs(random, (5_000, 2_000, 60_000), 1.0)
    values = biases(random, which, 0.7, 0.5) + random.normal(0, 1.0, 60_000)
    return table(which, scaled(values, 0, 100, 1))


def _groups(random: np.random.Generator) -> Table:
    which = pairs(random, (3_000, 1_500, 150_000), 0.8)
    taste = random.normal(size=(8, 1_500))
    own = random.integers(0, 8, 3_000)
    values = 1.2 * taste[own[which.users], which.movies] + biases(random, which, 0.4, 0.6)
    return table(which, scaled(values + random.normal(0, 0.8, 150_000), 1, 5, 0.5))


def _dense(random: np.random.Generator) -> Table:
    which = pairs(random, (900, 700, 80_000), 0.3)
    values = biases(random, which, 0.4, 0.4) + product(random, which, 16)
    return table(which, scaled(values + random.normal(0, 0.25, 80_000), 1, 7, 0.5))


def _neighbours(random: np.random.Generator) -> Table:
    """A movie's place on a map; a user likes what lies near to one of a few loved movies."""
    which = pairs(random, (900, 700, 25_000), 0.5)
    place = random.normal(size=(700, 3))
    loved = random.integers(0, 700, (900, 4))
    far = np.linalg.norm(place[loved[which.users]] - place[which.movies, None], axis=2).min(axis=1)
    values = 3 * np.exp(-(far**2)) + biases(random, which, 0.4, 0.3)
    return table(which, scaled(values + random.normal(0, 0.5, 25_000), 1, 5, 0.5))


def _features(random: np.random.Generator) -> Table:
    """A movie has some of twelve features; a user likes two of them, and more so together."""
    which = pairs(random, (2_500, 1_800, 60_000), 0.7)
    has = random.random((1_800, 12)) < 0.3
    liked = np.argsort(random.random((2_500, 12)), axis=1)[:, :3]
    own = has[which.movies[:, None], liked[which.users]]
    values = own[:, 0] * 1.0 + 1.5 * (own[:, 0] & own[:, 1]) - 1.2 * own[:, 2]
    values = values + biases(random, which, 0.5, 0.3) + random.normal(0, 0.7, 60_000)
    return table(which, scaled(values, -10, 10, 0.5))


def _drifting(random: np.random.Generator) -> Table:
    """What a user likes at the end is not what the user liked at the beginning."""
    which = pairs(random, (1_500, 1_200, 40_000), 0.7)
    now = np.linspace(0, 1, 40_000)
    values = (1 - now) * product(random, which, 4) + now * product(random, which, 4)
    values += biases(random, which, 0.5, 0.5) + 0.4 * now + random.normal(0, 0.6, 40_000)
    return table(which, scaled(values, 1, 10, 1))


def _thumbs(random: np.random.Generator) -> Table:
    which = pairs(random, (250, 200, 5_000), 0.4)
    values = biases(random, which, 0.8, 0.8) + product(random, which, 3)
    likes = random.random(5_000) < 1 / (1 + np.exp(-1.5 * values))
    return table(which, likes.astype(np.float64))


def _high_rank(random: np.random.Generator) -> Table:
    which = pairs(random, (1_000, 800, 100_000), 0.3)
    values = product(random, which, 20) + biases(random, which, 0.3, 0.3)
    return table(which, scaled(values + random.normal(0, 0.3, 100_000), 0, 100, 1))


def _long_tail(random: np.random.Generator) -> Table:
    which = pairs(random, (20_000, 6_000, 300_000), 1.1)
    values = biases(random, which, 0.5, 0.4) + 0.7 * product(random, which, 8)
    return table(which, scaled(values + random.normal(0, 0.8, 300_000), 1, 5, 1))


TUNING = {
    "sample": DataSet("MovieLens' sample: 100,004 ratings, 0.5 to 5", _sample),
    "sample-users": DataSet("half of its users", _half(of_users=True)),
    "sample-movies": DataSet("half of its movies", _half(of_users=False)),
    "low-rank": DataSet("20,000 ratings from 1 to 10: rank 5, biases, noise", _low_rank),
    "only-biases": DataSet("60,000 ratings from 0 to 100: biases and much noise", _only_biases),
    "groups": DataSet("150,000 ratings from 1 to 5: eight groups of users", _groups),
}
HELD_OUT = {
    "neighbours": DataSet(
        "25,000 ratings from 1 to 5: near to one of four loved movies", _neighbours
    ),
    "features": DataSet("60,000 ratings from -10 to 10: pairs of movies' features", _features),
    "drifting": DataSet("40,000 ratings from 1 to 10: tastes that change", _drifting),
    "thumbs": DataSet("5,000 ratings of 0 and 1: rank 3 behind a logistic function", _thumbs),
    "high-rank": DataSet("100,000 ratings from 0 to 100: rank 20, dense, little noise", _high_rank),
    "long-tail": DataSet("300,000 ratings from 1 to 5: rank 8, most of few movies", _long_tail),
}
ADDED = {
    "dense": DataSet("80,000 ratings from 1 to 7: rank 16, dense, little noise", _dense),
}
"""Added to the tuning half after the default study was seen to fail on `high-rank`."""

HALVES = {"tuning": TUNING | ADDED, "held-out": HELD_OUT}


def made(name: str) -> Table:
    """Make a member of the family; each has a seed of its own, its place."""
    both = TUNING | HELD_OUT | ADDED
    return both[name].make(np.random.default_rng([2026, list(both).index(name)]))


def write(name: str, folder: Path) -> Path:
    """Write a member as CSV, unless it is there already."""
    path = folder / f"{name}.csv"
    if not path.exists():
        import pandas as pd

        ratings = made(name)
        columns: dict[str, Any] = {
            "userId": ratings.users,
            "movieId": ratings.movies,
            "rating": ratings.scores,
            "timestamp": ratings.times,
        }
        folder.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part")
        pd.DataFrame(columns).to_csv(part, index=False)
        part.replace(path)
    return path


def main() -> None:
    """List or write the family."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", nargs="?", type=Path)
    given = parser.parse_args()
    for half, sets in HALVES.items():
        for name, data_set in sets.items():
            where = "" if given.folder is None else f" ({write(name, given.folder)})"
            print(f"{half:<9} {name:<14} {data_set.note}{where}")


if __name__ == "__main__":
    main()
