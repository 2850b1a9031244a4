from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from models.data import Part, Split, Vocabulary
from models.errors import ModelsError
from models.evaluation import fit_biases, inputs_of, rmse, trivial_rmse


def _part(users: list[int], movies: list[int], scores: list[float]) -> Part:
    return Part(
        np.array(users, np.int32),
        np.array(movies, np.int32),
        np.array(scores, np.float32),
        np.arange(len(scores)),
    )


@pytest.fixture
def split() -> Split:
    """Mean 3. Movie 0 deviates by 2, 1, 0; movie 1 by -1, -2; user 1 rates both movies."""
    return Split(
        protocol="random",
        seed=0,
        train=_part([0, 1, 2, 1, 2], [0, 0, 0, 1, 1], [5, 4, 3, 2, 1]),
        valid=_part([0, 3], [1, 2], [2, 5]),
        test=_part([0], [0], [1]),
        vocabulary=Vocabulary(np.array([10, 11, 12]), np.array([20, 21])),
        duplicates_dropped=0,
        unseen={},
        warnings=(),
    )


def test_rmse_is_the_root_of_the_mean_square() -> None:
    assert rmse(np.array([1.0, 2.0]), np.array([4.0, 6.0])) == pytest.approx(12.5**0.5, abs=1e-15)


def test_rmse_is_computed_in_float64() -> None:
    predictions = np.full(1_000_000, 3.7, np.float32)
    scores = np.zeros(1_000_000, np.float32)
    assert rmse(predictions, scores) == pytest.approx(float(np.float32(3.7)), rel=1e-13)


def test_biases_are_damped_means_movies_first(split: Split) -> None:
    mean, users, movies = fit_biases(split)
    assert mean == 3.0
    # (2 + 1 + 0) / (3 + 5) and (-1 - 2) / (2 + 5); nobody rated the slot for unknown movies.
    assert movies == pytest.approx([0.375, -3 / 7, 0.0])
    # What is left: user 0 has 1.625; user 1 has 0.625 and -4/7; user 2 has -0.375 and -11/7.
    assert users == pytest.approx([1.625 / 6, (0.625 - 4 / 7) / 7, (-0.375 - 11 / 7) / 7, 0.0])


def test_trivial_predictors_are_scored_on_validation(split: Split) -> None:
    found = trivial_rmse(split)
    # Errors of the mean: 3 - 2 and 3 - 5.
    assert found.global_mean == pytest.approx(2.5**0.5)
    # User 0 on movie 1: 3 + 1.625/6 - 3/7 against 2; both unknown: 3 against 5.
    first = 1 + 1.625 / 6 - 3 / 7
    assert found.biases == pytest.approx(((first**2 + 4) / 2) ** 0.5)


def test_trivial_predictors_do_not_depend_on_validation_scores_or_test(split: Split) -> None:
    other = replace(split, valid=_part([0], [0], [1]), test=_part([2], [1], [5]))
    for left, right in zip(fit_biases(split), fit_biases(other), strict=True):
        assert np.array_equal(left, right)


def test_the_model_reads_movies_first(split: Split) -> None:
    movies, users = inputs_of(split.valid)
    assert movies.tolist() == [[1], [2]]
    assert users.tolist() == [[0], [3]]


def test_without_rows_there_is_no_error_to_compute() -> None:
    with pytest.raises(ModelsError, match=r"needs at least one score, but there is none"):
        rmse(np.empty(0), np.empty(0))
