"""Compute the RMSE of predictions, and of trivial predictors that a network should beat."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.data import Part, Split
from models.errors import ModelsError

_DAMPING = 5.0


def rmse(predictions: NDArray[np.floating], scores: NDArray[np.floating]) -> float:
    """Compute the root mean square error, in float64.

    Formula: sqrt(mean((prediction - score)^2)). Of predictions [3, 4] against scores [3, 2] it is
    sqrt((0 + 4) / 2) = 1.4142.

    Args:
        predictions: `[row]`.
        scores: `[row]`.

    Returns:
        The error, in the unit of the scores.

    Raises:
        ModelsError: There is no row.
    """
    if not len(scores):
        raise ModelsError("An RMSE needs at least one score, but there is none to compare with.")
    error = predictions.astype(np.float64) - scores.astype(np.float64)
    return float(np.sqrt(np.mean(error * error)))


@dataclass(frozen=True, slots=True)
class TrivialRmse:
    """Validation RMSE of two trivial predictors, which any network has to beat.

    Attributes:
        global_mean: The train part's mean score for every row.
        biases: The mean, a user's bias and a movie's bias added up, as `fit_biases` says.
    """

    global_mean: float
    biases: float


def trivial_rmse(split: Split) -> TrivialRmse:
    """Compute the validation RMSE of two predictors: train mean; train mean plus biases."""
    by_name = trivial_predictions(split, split.valid)
    return TrivialRmse(
        **{name: rmse(predictions, split.valid.scores) for name, predictions in by_name.items()}
    )


def trivial_predictions(split: Split, part: Part) -> dict[str, NDArray[np.float64]]:
    """Predict a part's scores in two ways: train mean; train mean plus user and movie bias.

    Args:
        split: Its train part is read.
        part: Whose scores are predicted.

    Returns:
        `global_mean` and `biases`, `[row]` each.
    """
    mean, user_bias, movie_bias = fit_biases(split)
    biased = mean + user_bias[part.users] + movie_bias[part.movies]
    return {"global_mean": np.full(len(part), mean), "biases": biased}


def fit_biases(split: Split) -> tuple[float, NDArray[np.float64], NDArray[np.float64]]:
    """Compute the mean score of the train part, and the bias of each user and movie.

    A movie's bias is the sum of its scores' deviations from the mean, divided by (count + 5): of
    deviations 1 and 2.5 it is 3.5 / 7 = 0.5. A user's bias is the same of what is left then; one
    pass each (Koren 2010, "Factor in the neighbors", section 2.1, with one damping for both). Ids
    without a train row have bias 0.

    Returns:
        The mean, the users' biases `[user_rows]` and the movies' biases `[movie_rows]`.
    """
    train, vocabulary = split.train, split.vocabulary
    scores = train.scores.astype(np.float64)
    mean = float(scores.mean())
    movie_bias = _damped_mean(train.movies, scores - mean, vocabulary.movie_rows)
    rest = scores - mean - movie_bias[train.movies]
    user_bias = _damped_mean(train.users, rest, vocabulary.user_rows)
    return mean, user_bias, movie_bias


def _damped_mean(
    codes: NDArray[np.int32], values: NDArray[np.float64], rows: int
) -> NDArray[np.float64]:
    """Compute for each user or movie code: the sum of its values / (its number of values + 5).

    A code with the values 3 and 4 has (3 + 4) / (2 + 5) = 1.
    """
    sums = np.bincount(codes, weights=values, minlength=rows)
    counts = np.bincount(codes, minlength=rows)
    return np.asarray(sums / (counts + _DAMPING), dtype=np.float64)


def inputs_of(part: Part) -> list[NDArray[np.int32]]:
    """Return a part's movie codes and user codes as a model takes them, each `[row, 1]`."""
    return [part.movies.reshape(-1, 1), part.users.reshape(-1, 1)]
