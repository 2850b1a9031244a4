"""How far predictions are from scores, and how far a predictor without a network is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.data import Part, Split

_DAMPING = 5.0


def rmse(predictions: NDArray[np.floating], scores: NDArray[np.floating]) -> float:
    """Root mean square error, computed in float64.

    Formula: sqrt(mean((prediction - score)^2)).

    Args:
        predictions: `[row]`.
        scores: `[row]`.
    """
    error = predictions.astype(np.float64) - scores.astype(np.float64)
    return float(np.sqrt(np.mean(error * error)))


@dataclass(frozen=True, slots=True)
class TrivialRmse:
    """Validation RMSE of the predictors that any network has to beat.

    Attributes:
        global_mean: The train part's mean score for every row.
        biases: Mean plus a movie's plus a user's damped mean deviation.
    """

    global_mean: float
    biases: float


def trivial_rmse(split: Split) -> TrivialRmse:
    """Score both trivial predictors on the validation part, fitted on the train part alone."""
    found = trivial_predictions(split, split.valid)
    return TrivialRmse(**{name: rmse(each, split.valid.scores) for name, each in found.items()})


def trivial_predictions(split: Split, part: Part) -> dict[str, NDArray[np.float64]]:
    """What both trivial predictors, fitted on the train part alone, say of a part.

    Returns:
        `global_mean` and `biases`, `[row]` each.
    """
    mean, user_bias, movie_bias = fit_biases(split)
    biased = mean + user_bias[part.users] + movie_bias[part.movies]
    return {"global_mean": np.full(len(part), mean), "biases": biased}


def fit_biases(split: Split) -> tuple[float, NDArray[np.float64], NDArray[np.float64]]:
    """Mean, user biases `[user_rows]` and movie biases `[movie_rows]` of the train part.

    A movie's bias is the sum of its deviations from the mean over (count + 5), then a user's is
    the same over what is left; one pass each (Koren 2010, "Factor in the neighbors", section 2.1,
    with one damping for both). Ids unseen in train have bias 0.
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
    sums = np.bincount(codes, weights=values, minlength=rows)
    counts = np.bincount(codes, minlength=rows)
    return np.asarray(sums / (counts + _DAMPING), dtype=np.float64)


def inputs_of(part: Part) -> list[NDArray[np.int32]]:
    """The model's inputs for a part: movie codes and user codes, each `[row, 1]`."""
    return [part.movies.reshape(-1, 1), part.users.reshape(-1, 1)]
