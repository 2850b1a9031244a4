"""Ranks the movies that a user has not rated by the scores that a model predicts."""

from __future__ import annotations

from collections.abc import Collection
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from models.checks import count_of
from search.errors import SearchError

if TYPE_CHECKING:
    from models.serving import KerasPredictor, RatingPredictor


class Item(NamedTuple):
    """A movie with the score that a model predicts.

    Attributes:
        movie: Its raw id.
        prediction: The score.
    """

    movie: Any
    prediction: float


def ratings_model(predictor: RatingPredictor | KerasPredictor) -> RatingPredictor:
    """Refuse a model that knows no users, and return any other.

    Raises:
        SearchError: It is a user's own model.
    """
    from models.serving import RatingPredictor

    if isinstance(predictor, RatingPredictor):
        return predictor
    raise SearchError(
        "`--user` needs a model of ratings, which knows its users and movies, but this is a model "
        "of your own. Predict the rows of a table with `--input`."
    )


def top_items(
    predictor: RatingPredictor, user: str, *, count: int, without: Collection[Any] = ()
) -> list[Item]:
    """Rank movies by the score that a model predicts for a user, the highest first.

    Args:
        predictor: A model of ratings.
        user: The user's raw id.
        count: Most items.
        without: Raw ids of movies that are left out.

    Returns:
        Movies of the same score stand in the order of their ids.

    Raises:
        SearchError: The model does not know the user.

    Example:
        >>> from models.serving import RatingPredictor
        >>> class Codes:
        ...     def predict(self, codes, **options): return codes[0]
        >>> predictor = RatingPredictor(Codes(), ["ann"], [7, 8, 9])
        >>> top_items(predictor, "ann", count=5, without=["9"])
        [Item(movie=8, prediction=1.0), Item(movie=7, prediction=0.0)]
    """
    import pandas as pd

    movies = pd.Series(predictor.movies, dtype=object)
    table = pd.DataFrame({"user": user, "movie": movies})
    found = predictor.predict(table, {"known": True})
    if not found["user_known"].all():
        raise SearchError(_unknown(predictor, user))
    scores = found["score"].to_numpy()
    left_out = set(predictor.movie_codes(list(without)).tolist())
    order = (place for place in np.argsort(-scores, kind="stable") if place not in left_out)
    return [
        Item(predictor.movies[place], float(scores[place]))
        for place, _ in zip(order, range(count), strict=False)
    ]


def _unknown(predictor: RatingPredictor, user: str) -> str:
    known = [str(each) for each in predictor.users]
    alike = get_close_matches(user, known, 3) if len(known) <= 100_000 else []
    such = ", ".join(alike or known[:3])
    return (
        f"`--user` must be one of the {count_of(len(known), 'user')} that the model was trained "
        f"with, such as {such}, but got {user!r}. To predict ratings of a user that it does not "
        "know, pass a table with `--input`."
    )
