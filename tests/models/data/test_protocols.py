from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.data import SPLITS, Ratings, Split, describe, load_ratings, split_ratings
from models.data.protocols import published_rows
from models.errors import ModelsError


def make_ratings(users: list[int], movies: list[int], times: list[int] | None = None) -> Ratings:
    user_ids, user_codes = np.unique(users, return_inverse=True)
    movie_ids, movie_codes = np.unique(movies, return_inverse=True)
    return Ratings(
        user_codes=user_codes.astype(np.int32),
        movie_codes=movie_codes.astype(np.int32),
        scores=(1 + np.arange(len(users)) % 5).astype(np.float32),
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


def test_published_sizes_of_the_published_data() -> None:
    train, valid, test = published_rows(8_854_093)
    assert (len(train), len(valid), len(test)) == (4_958_292, 1_239_573, 2_656_228)
    assert len(train) + len(valid) == 6_197_865


def test_published_is_scikit_learns_order_then_keras_cut() -> None:
    # train_test_split(np.arange(10), test_size=0.3, random_state=42), as scikit-learn 1.x gives it
    ratings = make_ratings([1, 2] * 5, list(range(10)))
    split = split_ratings(ratings, seed=7)
    assert split.test.rows.tolist() == [8, 1, 5]
    assert split.train.rows.tolist() == [0, 7, 2, 9, 4]
    assert split.valid.rows.tolist() == [3, 6]
    assert split.seed == 42
    assert any("always has the seed 42" in warning for warning in split.warnings)
    assert split.vocabulary.n_movies == 10
    assert split.unseen["valid_movies"] == 2
    assert split.unseen["test_rows"] == 3


def test_published_keeps_duplicates_and_others_keep_the_last() -> None:
    users, movies = [1, 1, 2, 2, 1, 3, 3, 3], [1, 2, 1, 2, 1, 1, 2, 3]
    ratings = make_ratings(users, movies, list(range(8)))
    published = split_ratings(ratings)
    assert published.duplicates_dropped == 0
    assert sum(map(len, (published.train, published.valid, published.test))) == 8
    other = split_ratings(ratings, "random")
    assert other.duplicates_dropped == 1
    assert any("dropped" in warning for warning in other.warnings)
    rows = np.concatenate([part.rows for part in (other.train, other.valid, other.test)])
    assert sorted(rows.tolist()) == [1, 2, 3, 4, 5, 6, 7]


def test_the_last_of_a_pair_is_the_last_in_time() -> None:
    users, movies = [1, 1, 2, 2, 1, 3, 3, 2], [1, 2, 1, 2, 1, 1, 2, 2]
    # (1, 1) stands in rows 0 and 4, later in row 0; (2, 2) in rows 3 and 7, at the same time.
    ratings = make_ratings(users, movies, [90, 1, 2, 30, 4, 5, 6, 30])
    split = split_ratings(ratings, "random")
    rows = np.concatenate([part.rows for part in (split.train, split.valid, split.test)])
    assert sorted(rows.tolist()) == [0, 1, 2, 5, 6, 7]
    assert split.duplicates_dropped == 2
    by_file = split_ratings(dataclasses.replace(ratings, rules=1), "random")
    rows = np.concatenate([part.rows for part in (by_file.train, by_file.valid, by_file.test)])
    assert sorted(rows.tolist()) == [1, 2, 4, 5, 6, 7]
    untimed = split_ratings(make_ratings(users, movies), "random")
    rows = np.concatenate([part.rows for part in (untimed.train, untimed.valid, untimed.test)])
    assert sorted(rows.tolist()) == [1, 2, 4, 5, 6, 7]


def test_temporal_cuts_by_time_and_ties_keep_file_order() -> None:
    times = [5, 1, 5, 2, 9, 3, 9, 4, 6, 7]
    split = split_ratings(make_ratings([1, 2] * 5, list(range(10)), times), "temporal")
    assert split.train.rows.tolist() == [1, 3, 5, 7, 0]
    assert split.valid.rows.tolist() == [2, 8]
    assert split.test.rows.tolist() == [9, 4, 6]
    assert split.vocabulary.movie_ids.tolist() == [0, 1, 3, 5, 7]
    assert split.valid.movies.tolist() == [5, 5]  # the slot of the unknown
    assert split.valid.users.tolist() == [0, 0]
    assert split.unseen == {
        "valid_users": 0,
        "valid_movies": 2,
        "valid_rows": 2,
        "test_users": 0,
        "test_movies": 3,
        "test_rows": 3,
    }


def test_leave_last_out_takes_each_users_last_two() -> None:
    users = [1, 1, 1, 2, 2, 3, 3, 3, 3]
    times = [30, 10, 20, 5, 6, 1, 1, 1, 0]
    split = split_ratings(make_ratings(users, list(range(9)), times), "leave-last-out")
    assert split.test.rows.tolist() == [0, 7]
    assert split.valid.rows.tolist() == [2, 6]
    assert split.train.rows.tolist() == [1, 3, 4, 5, 8]


@pytest.mark.parametrize("protocol", ["temporal", "leave-last-out"])
def test_times_are_needed(protocol: str) -> None:
    with pytest.raises(ModelsError, match="needs times"):
        split_ratings(make_ratings([1, 2] * 5, list(range(10))), protocol)


pairs = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 8)), min_size=12, max_size=60)


@settings(max_examples=60, deadline=None)
@given(pairs=pairs, protocol=st.sampled_from(SPLITS), seed=st.integers(0, 5))
def test_parts_are_disjoint_whole_and_coded_alike(
    pairs: list[tuple[int, int]], protocol: str, seed: int
) -> None:
    users, movies = [u for u, _ in pairs], [m for _, m in pairs]
    ratings = make_ratings(users, movies, [(7 * i) % 11 for i in range(len(pairs))])
    try:
        split = split_ratings(ratings, protocol, seed=seed)
    except ModelsError:
        return
    parts = (split.train, split.valid, split.test)
    rows = np.concatenate([part.rows for part in parts])
    assert len(np.unique(rows)) == len(rows) == len(pairs) - split.duplicates_dropped
    vocabulary = split.vocabulary
    for part in parts:
        raw_users = ratings.user_ids[ratings.user_codes[part.rows]]
        raw_movies = ratings.movie_ids[ratings.movie_codes[part.rows]]
        assert np.array_equal(vocabulary.encode_users(raw_users), part.users)
        assert np.array_equal(vocabulary.encode_movies(raw_movies), part.movies)
        assert np.array_equal(part.scores, ratings.scores[part.rows])
    assert (split.train.users < vocabulary.n_users).all()
    again = split_ratings(ratings, protocol, seed=seed)
    assert np.array_equal(again.train.rows, split.train.rows)


def test_random_depends_on_the_seed() -> None:
    ratings = make_ratings([1, 2] * 20, list(range(40)))
    one, other = (split_ratings(ratings, "random", seed=seed) for seed in (1, 2))
    assert one.test.rows.tolist() != other.test.rows.tolist()
    assert (len(one.train), len(one.valid), len(one.test)) == (22, 6, 12)


def test_read_only_ratings_can_be_split(tmp_path: Path) -> None:
    ratings = load_ratings("synthetic:0.0002")
    for field in dataclasses.fields(ratings):
        value = getattr(ratings, field.name)
        if isinstance(value, np.ndarray):
            value.flags.writeable = False
    for protocol in SPLITS:
        assert isinstance(split_ratings(ratings, protocol), Split)


def test_describe_is_plain_json() -> None:
    ratings = load_ratings("synthetic:0.0002")
    found = json.loads(json.dumps(describe(ratings, split_ratings(ratings))))
    assert found["rows"] == 1771
    assert found["train_rows"] + found["valid_rows"] + found["test_rows"] == 1771
    assert sum(found["scores"].values()) == 1771
    assert found["synthetic"] is True
    assert found["ratings_per_user"]["min"] >= 20
    assert json.loads(json.dumps(describe(ratings)))["users"] == 13


@pytest.mark.parametrize("count", [2, 3, 7, 10, 99, 1_000, 100_836])
def test_the_published_split_is_that_of_scikit_learn(count: int) -> None:
    from sklearn.model_selection import train_test_split

    train, test = train_test_split(np.arange(count), test_size=0.3, random_state=42)
    fitted, valid, sealed = published_rows(count)
    assert np.array_equal(np.concatenate([fitted, valid]), train)
    assert np.array_equal(sealed, test)
