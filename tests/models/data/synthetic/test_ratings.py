from __future__ import annotations

import numpy as np
import pytest

from models.data import Ratings, SourceOptions, load_published, load_ratings
from models.data.synthetic.ratings import largest_remainder, synthetic_shape

PUBLISHED = load_published()["dataset"]


@pytest.mark.parametrize("scale", [0.00016, 0.001, 0.02])
def test_the_rules_of_the_shape_hold(scale: float) -> None:
    ratings = load_ratings(f"synthetic:{scale}")
    shape = synthetic_shape(scale)
    assert len(ratings) == shape.rows == round(8_854_093 * scale)
    assert ratings.n_users == shape.users == round(64_815 * scale)
    assert ratings.n_movies == shape.movies
    counts = np.bincount(ratings.user_codes)
    assert counts.min() >= 20
    assert counts.max() <= 1000
    assert np.bincount(ratings.movie_codes).min() >= 1
    pairs = ratings.user_codes.astype(np.int64) * ratings.n_movies + ratings.movie_codes
    assert len(np.unique(pairs)) == len(pairs)
    assert ratings.synthetic
    for score, count in PUBLISHED["score_counts"].items():
        share = count / 8_854_093 * len(ratings)
        assert abs((ratings.scores == float(score)).sum() - share) < 1


def test_scale_one_is_the_published_shape() -> None:
    shape = synthetic_shape(1.0)
    assert (shape.rows, shape.users, shape.movies) == (8_854_093, 64_815, 89_418)


@pytest.mark.slow
def test_scale_one_has_the_published_histogram() -> None:
    ratings = load_ratings("synthetic")
    counts = {str(s): int((ratings.scores == s).sum()) for s in range(1, 6)}
    assert counts == PUBLISHED["score_counts"]
    assert (ratings.n_users, ratings.n_movies) == (64_815, 89_418)


def test_the_seed_decides() -> None:
    one, same, other = (
        load_ratings("synthetic:0.0005", SourceOptions(seed=seed)) for seed in (1, 1, 2)
    )
    assert one.content_hash == same.content_hash != other.content_hash


def _rmse(error: np.ndarray) -> float:
    return float(np.sqrt(np.mean(error**2)))


def _means(codes: np.ndarray, values: np.ndarray, size: int) -> np.ndarray:
    return np.bincount(codes, values, size) / (np.bincount(codes, minlength=size) + 5)


def test_biases_are_there_to_be_learnt() -> None:
    ratings: Ratings = load_ratings("synthetic:0.02")
    users, movies, scores = ratings.user_codes, ratings.movie_codes, ratings.scores
    cut = len(ratings) * 4 // 5
    rest = scores[:cut] - scores[:cut].mean()
    user_bias = np.zeros(ratings.n_users)
    for _ in range(3):
        movie_bias = _means(movies[:cut], rest - user_bias[users[:cut]], ratings.n_movies)
        user_bias = _means(users[:cut], rest - movie_bias[movies[:cut]], ratings.n_users)
    held_out = scores[cut:] - scores[:cut].mean()
    biased = held_out - user_bias[users[cut:]] - movie_bias[movies[cut:]]
    assert _rmse(held_out) == pytest.approx(1.06, abs=0.02)
    assert _rmse(biased) < 0.93


def test_largest_remainder_by_hand() -> None:
    found = largest_remainder(np.array([3, 3, 4], np.int64), 8)  # shares 2.4, 2.4, 3.2
    assert found.tolist() == [3, 2, 3]
