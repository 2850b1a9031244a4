"""What ruins a rating study is said in words, with the count and the way out."""

from __future__ import annotations

import dataclasses
from dataclasses import replace

import numpy as np
import pytest

from models.data import Ratings, concerns, describe, load_ratings, split_ratings
from models.data.marks import ScoreCounts, marks_of


def _ratings(
    users: list[int], movies: list[int], scores: list[float], times: list[int] | None = None
) -> Ratings:
    user_ids, user_codes = np.unique(users, return_inverse=True)
    movie_ids, movie_codes = np.unique(movies, return_inverse=True)
    return Ratings(
        user_codes=user_codes.astype(np.int32),
        movie_codes=movie_codes.astype(np.int32),
        scores=np.array(scores, np.float32),
        timestamps=None if times is None else np.array(times, np.int64),
        user_ids=user_ids,
        movie_ids=movie_ids,
        row_index=np.arange(len(users), dtype=np.int64),
        source="made",
        content_hash="0",
        synthetic=False,
        warnings=(),
        rows_read=len(users),
        rows_scored=len(users),
        min_ratings=None,
        max_ratings=None,
        checks=(),
    )


def _square(scores: list[float], users: int = 40, movies: int = 25) -> Ratings:
    """Each user rates each movie; the scores repeat."""
    pairs = [(user, movie) for user in range(users) for movie in range(movies)]
    many = (scores * (len(pairs) // len(scores) + 1))[: len(pairs)]
    return _ratings([u for u, _ in pairs], [m for _, m in pairs], many)


def _said(ratings: Ratings, split: str = "published") -> str:
    return "\n".join(concerns(ratings, split_ratings(ratings, split)))


@pytest.mark.parametrize("scale", [[1, 2, 3, 4, 5], [0, 1], [-1, 1], [0, 1, 2, 3], [-10, 3, 9.5]])
def test_usual_ratings_raise_no_concern(scale: list[float]) -> None:
    assert _said(_square(scale)) == ""


def test_the_made_up_ratings_raise_none() -> None:
    ratings = load_ratings("synthetic:0.002")
    assert concerns(ratings, split_ratings(ratings)) == ()


def test_one_is_not_called_several() -> None:
    pairs = [(user, movie) for user in range(20) for movie in range(9)]
    users, movies = ([*column, 0] for column in zip(*pairs, strict=True))
    ratings = _ratings(users, movies, [1.0 + i % 5 for i in range(181)])
    assert split_ratings(ratings).warnings == (
        "1 rating repeats a user and movie; `published` keeps them all.",
    )
    by_order = (
        "1 earlier rating (by the order of the file) of the same movie by the same user was "
        "dropped."
    )
    assert split_ratings(ratings, "random").warnings == (by_order,)
    timed = replace(ratings, timestamps=np.arange(181)[::-1].copy())
    assert split_ratings(timed, "random").warnings == (
        "1 earlier rating of the same movie by the same user was dropped.",
    )
    assert split_ratings(replace(timed, rules=1), "random").warnings == (by_order,)


def test_ids_that_were_taken_for_scores_are_told() -> None:
    rows = [(user, movie) for user in range(5) for movie in range(60)]
    users, movies = ([*column] for column in zip(*rows, strict=True))
    ratings = _ratings(users, movies, [float(1 + (7 * n) % 79) for n in range(len(rows))])
    assert "5 users against 79 different scores, all whole: are the columns in" in _said(ratings)


def test_one_of_many_is_said_in_the_singular() -> None:
    lone = _square([3.0, 4.0, 5.0, 2.0])
    odd = replace(lone, scores=np.where(lone.row_index == 7, -1, lone.scores).astype(np.float32))
    assert "1 of 1,000 (under 1 %) scores is -1, while all others are" in _said(odd)


def test_users_with_one_rating_are_counted() -> None:
    loners = list(range(100, 150))
    users = [u for u in range(40) for _ in range(25)] + loners
    movies = list(range(25)) * 40 + [3] * 50
    said = _said(_ratings(users, movies, [1.0 + i % 5 for i in range(1050)]))
    assert "50 of 90 (56 %) users have a single rating" in said
    assert "`--min-ratings 2`" in said
    alone = _ratings(
        list(range(200)), [i % 7 for i in range(200)], [1.0 + i % 5 for i in range(200)]
    )
    assert "All 200 users have a single rating" in _said(alone, "random")


def test_validation_rows_of_the_unknown_are_counted() -> None:
    ratings = _ratings(
        list(range(200)), [i % 7 for i in range(200)], [1.0 + i % 5 for i in range(200)]
    )
    said = _said(ratings, "random")
    assert "28 of 28 (100 %) validation rows have a user or a movie without a train row" in said
    assert "28 users and 0 movies" in said
    assert "Take more ratings of each user." in said
    assert "--min-ratings" not in said  # it would leave nobody
    few = [user for user in range(200) for _ in range(2 if user < 100 else 6)]
    ratings = _ratings(few, list(range(800)), [1.0 + i % 5 for i in range(800)])
    assert "`--min-ratings 5`" in _said(ratings, "random")


def test_zeros_that_mean_no_rating_are_counted() -> None:
    said = _said(_square([0, 0, 0, 7, 8, 0, 9, 10, 0, 5]))
    assert "500 of 1,000 (50 %) scores are 0, while all others are from 5 to 10" in said
    assert "`--drop-scores 0` leaves them out" in said


@pytest.mark.parametrize("mark", [99, -1, -99, 999])
def test_a_sentinel_is_recognised_however_often_it_stands(mark: float) -> None:
    said = _said(_square([mark, mark, 1, 2, 3, 4, 5, 6, 7, 8]))
    assert f"200 of 1,000 (20 %) scores are {mark}, while all others are from 1 to 8" in said
    assert f"`--drop-scores {mark}`" in said


def test_single_outliers_are_counted() -> None:
    ratings = _square([1, 2, 3, 4, 5])
    scores = ratings.scores.copy()
    scores[[7, 70]] = 50, 55
    said = _said(dataclasses.replace(ratings, scores=scores))
    assert "2 of 1,000 (under 1 %) scores are from 50 to 55, while all others are from 1" in said
    assert "`--drop-scores 50,55`" in said


@pytest.mark.parametrize(
    ("scores", "marks"),
    [
        ([1, 2, 3, 4, 5], []),
        ([0, 0, 0, 1, 2, 3, 4, 5], ["0"]),
        ([0, 1, 2, 3, 4, 5], []),
        ([0, 0, 0, 1], []),  # yes and no
        ([-2, -1, 0, 1, 2], []),
        ([-1, 1, 2, 3, 4, 99], ["-1", "99"]),
        ([0, 0, 0, 0, 1, 2, 3, 4, 99], ["99", "0"]),
        ([0.1, 0.2, 0.3, 0.9, 1.0], []),
        ([0, 1, 1, 99], ["99"]),
        ([-99, 0, 1], ["-99"]),
        ([-1, 0, 1], []),
        ([0, 1], []),
    ],
)
def test_what_stands_apart(scores: list[float], marks: list[str]) -> None:
    counted = ScoreCounts.of(np.array(scores, np.float32))
    assert [mark.words for mark in marks_of(counted)] == marks


def test_few_rows_are_told() -> None:
    ratings = _ratings([1, 1, 2, 2, 3, 3], [1, 2, 1, 2, 1, 2], [1, 2, 3, 4, 5, 1])
    assert "Only 1 of 6 ratings is the validation part" in _said(ratings)
    assert "--folds" not in _said(ratings)  # there is too little for that too
    more = _square([3.0, 4.0, 5.0, 2.0], users=20, movies=12)
    assert "or cross-validate with `--folds 5`" in _said(more)


def test_scores_that_are_nearly_all_one_are_told() -> None:
    assert "950 of 1,000 (95 %) scores are 5" in _said(_square([5] * 19 + [4]))


def test_counts_of_plays_are_told() -> None:
    scores = [float(1 + i % 3) for i in range(970)] + [500.0 * i + 100 for i in range(30)]
    assert "look like counts: half are at most 2" in _said(_square(scores))


def test_times_in_the_score_column_are_told() -> None:
    said = _said(_square([881250949.0, 891717742.0, 878887116.0, 880606923.0]))
    assert "as times do" in said
    assert "`--score-column`" in said


def test_a_user_who_rates_most_is_told() -> None:
    users = [u for u in range(40) for _ in range(25)] + [77] * 500
    movies = list(range(25)) * 40 + list(range(500))
    said = _said(_ratings(users, movies, [1.0 + i % 5 for i in range(1500)]))
    assert "500 of 1,500 (33 %) ratings are of one user, 77" in said
    assert "`--max-ratings 499`" in said


def test_ids_that_mean_none_are_told() -> None:
    ratings = _square([1, 2, 3, 4, 5])
    ids = np.array(["nan", *(f"m{i:02}" for i in range(24))], object)
    said = _said(dataclasses.replace(ratings, movie_ids=ids))
    assert "40 of 1,000 (4 %) ratings have the movie nan, which looks like none" in said
    users = np.array([-1, *range(1, 40)])
    assert "have the user -1" in _said(dataclasses.replace(ratings, user_ids=users))


def test_one_time_for_most_ratings_is_told_where_times_decide() -> None:
    ratings = dataclasses.replace(
        _square([1, 2, 3, 4, 5]), timestamps=np.repeat([5, 6], [900, 100]).astype(np.int64)
    )
    assert "900 of 1,000 (90 %) ratings have one and the same time" in _said(ratings, "temporal")
    assert "same time" not in _said(ratings, "random")


def test_ratings_that_repeat_most_pairs_are_told() -> None:
    square = _square([1, 2, 3, 4, 5], users=20, movies=25)
    twice = _ratings([*square.user_codes] * 3, [*square.movie_codes] * 3, [*square.scores] * 3)
    assert "1,000 of 1,500 (67 %) ratings repeat a user and movie" in _said(twice, "random")


def test_the_description_has_them_all() -> None:
    ratings = _square([0, 0, 0, 7, 8, 0, 9, 10, 0, 5])
    assert describe(ratings)["warnings"] == list(concerns(ratings))
