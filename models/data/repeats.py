"""Find ratings that repeat a user and a movie, and the last of each such pair."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models.data.ratings import Ratings
from models.data.table import PARTS

Positions = NDArray[np.int64]


def last_of_each_pair(ratings: Ratings) -> Positions:
    """Find the last row of each (user, movie) pair: in time where there are times, else in order.

    Of two rows at one time the later one in order is the last. By the rules 1 times do not count.
    Ratings that came split already have a last row for each part.
    """
    keys = pair_keys(ratings)
    if ratings.part is not None:
        keys = keys * len(PARTS) + ratings.part
    order = np.argsort(keys, kind="stable")
    repeats = keys[order[1:]] == keys[order[:-1]]
    if ratings.timestamps is not None and ratings.rules > 1 and repeats.any():
        order = _by_time(order, repeats, keys, ratings.timestamps)
    last = np.ones(len(keys), bool)
    last[:-1] = ~repeats
    return np.sort(order[last])


def pair_keys(ratings: Ratings) -> Positions:
    """Number the (user, movie) pair of each row, `[row]`."""
    return ratings.user_codes.astype(np.int64) * ratings.n_movies + ratings.movie_codes


def _by_time(
    order: Positions, repeats: NDArray[np.bool_], keys: Positions, times: Positions
) -> Positions:
    """Sort the rows of each repeated pair by time; rows of one pair lie side by side in `order`.

    Args:
        order: Rows, sorted by their pair, `[row]`.
        repeats: Whether the next row in `order` has the same pair, `[row - 1]`.
        keys: Pair of each row, `[row]`.
        times: Time of each row, `[row]`.
    """
    repeated = np.zeros(len(order), bool)
    repeated[1:] |= repeats
    repeated[:-1] |= repeats
    rows = order[repeated]
    order = order.copy()
    order[repeated] = rows[np.lexsort((times[rows], keys[rows]))]
    return order
