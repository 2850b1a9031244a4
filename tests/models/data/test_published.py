"""MUBI's file, in small: gaps, the user filter and the published figures, counted by hand."""

from __future__ import annotations

import csv
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from models.data import (
    Ratings,
    SourceOptions,
    check_published,
    load_published,
    load_ratings,
    split_ratings,
    verdict,
)
from models.data import published as published_checks
from models.errors import ModelsError

COLUMNS = load_published()["dataset"]["tables"]["ratings"]
NAMES = [column.split()[0] for column in COLUMNS.replace(" (NULL where a review has no score)", "")
         .replace(" (YYYY-MM-DD HH:MM:SS)", "").split(", ")]  # fmt: skip
# user: scored ratings. 1 and 4 are out of the filter by one each; 5 only reviews.
SCORED = {1: 19, 2: 20, 3: 1000, 4: 1001}


def _rows() -> list[dict[str, Any]]:
    rows = []
    for user, count in SCORED.items():
        for place in range(count):
            rows.append(_row(user, 10 * (place + 1), 1.0 + (place + user) % 5, len(rows)))
    rows.insert(3, _row(2, 77_777, None, 90_001))
    rows.append(_row(5, 10, None, 90_002))
    return rows


def _row(user: int, movie: int, score: float | None, rating: int) -> dict[str, Any]:
    time = f"2015-03-{1 + rating % 28:02d} 10:{rating % 60:02d}:00"
    values = [movie, rating, f"http://m/{rating}", score, time, "so,\n so", 0, 0, user, 0, 0, 0, 0]
    return dict(zip(NAMES, values, strict=True))


def _sqlite(folder: Path) -> Path:
    path = folder / "mubi_db.sqlite"
    connection = sqlite3.connect(path)
    kinds = ["INTEGER", "INTEGER", "TEXT", "REAL", "TEXT", "TEXT", *["INTEGER"] * 7]
    columns = ", ".join(" ".join(column) for column in zip(NAMES, kinds, strict=True))
    connection.execute(f"CREATE TABLE ratings ({columns})")
    connection.execute("CREATE TABLE movies (movie_id INTEGER, movie_title TEXT)")
    connection.execute("CREATE TABLE ratings_users (user_id INTEGER, rating_date_utc TEXT)")
    rows = [tuple(row.values()) for row in _rows()]
    connection.executemany(f"INSERT INTO ratings VALUES ({', '.join('?' * 13)})", rows)
    connection.commit()
    connection.close()
    return path


def _csv(folder: Path) -> Path:
    path = folder / "mubi_ratings_data.csv"
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, NAMES)
        writer.writeheader()
        writer.writerows(_rows())
    return path


@pytest.fixture(params=[_sqlite, _csv])
def ratings(request: pytest.FixtureRequest, tmp_path: Path) -> Ratings:
    return load_ratings(f"mubi:{request.param(tmp_path)}")


def test_the_columns_are_the_published_ones() -> None:
    assert NAMES[:5] == ["movie_id", "rating_id", "rating_url", "rating_score",
                         "rating_timestamp_utc"]  # fmt: skip
    assert len(NAMES) == 13


def test_reviews_go_and_the_filter_is_inclusive(ratings: Ratings) -> None:
    assert ratings.rows_read == 19 + 20 + 1000 + 1001 + 2
    assert ratings.rows_scored == 19 + 20 + 1000 + 1001
    assert ratings.user_ids.tolist() == [2, 3]
    assert len(ratings) == 20 + 1000
    assert ratings.n_movies == 1000
    assert (ratings.min_ratings, ratings.max_ratings) == (20, 1000)
    # 19 rows of user 1 and one review come before user 2.
    assert ratings.row_index[0] == 20
    assert ratings.row_index[-1] == 20 + 20 + 1000 - 1
    assert ratings.timestamps is not None
    assert ratings.timestamps[0] == 1_426_846_740  # 2015-03-20 10:19:00


def test_both_files_are_the_same_data(tmp_path: Path) -> None:
    one, other = (load_ratings(f"mubi:{write(tmp_path)}") for write in (_sqlite, _csv))
    assert one.content_hash == other.content_hash
    assert one.row_index.tolist() == other.row_index.tolist()
    assert load_ratings(f"mubi:{tmp_path}").content_hash == one.content_hash


def test_the_filter_can_be_changed_and_turned_off(tmp_path: Path) -> None:
    source = f"mubi:{_sqlite(tmp_path)}"
    assert load_ratings(source, SourceOptions(max_ratings=1001)).user_ids.tolist() == [2, 3, 4]
    assert load_ratings(source, SourceOptions(min_ratings=19)).user_ids.tolist() == [1, 2, 3]
    assert load_ratings(source, SourceOptions(user_filter=False)).n_users == 4


def test_missing_times_leave_times_out_with_a_warning(tmp_path: Path) -> None:
    path = _sqlite(tmp_path)
    connection = sqlite3.connect(path)
    connection.execute("UPDATE ratings SET rating_timestamp_utc = NULL WHERE rating_id = 30")
    connection.commit()
    connection.close()
    ratings = load_ratings(f"mubi:{path}")
    assert ratings.timestamps is None
    assert any("times are left out" in warning for warning in ratings.warnings)


def test_another_dump_is_told_with_what_differs(ratings: Ratings) -> None:
    checks = check_published(ratings, split_ratings(ratings))
    found = {check.name: check for check in checks}
    assert found["rows read"].expected == 15_520_005
    assert found["rows read"].found == 2042
    assert found["rows without a score"].found == 2
    assert found["users with a score"].found == 4
    assert found["movies with a score"].found == 1001
    assert found["test rows"].found == 306
    assert found["least and most ratings of a user"].holds
    assert not found["busiest train users (user, rows)"].holds
    line = verdict(checks)
    assert line.startswith("A different dump: ")
    assert "rows read 2042, not 15520005" in line


def test_the_same_data_is_told_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = f"mubi:{_csv(tmp_path)}"
    first = load_ratings(source)
    split = split_ratings(first)
    in_train = [*split.train.rows.tolist(), *split.valid.rows.tolist()]
    heavy = sum(row >= 20 for row in in_train)
    histogram = dict.fromkeys(("1", "2", "3", "4", "5"), 204)
    before = {"null": 2, **{
        str(score): sum(row["rating_score"] == score for row in _rows()) for score in range(1, 6)
    }}  # fmt: skip
    published = {
        "dataset": {
            "rows_read": 2042,
            "rows_with_a_score": 2040,
            "users_with_a_score": 4,
            "movies_with_a_score": 1001,
            "user_filter": {"min_ratings": 20, "max_ratings": 1000},
            "rows_after_filter": 1020,
            "users_after_filter": 2,
            "movies_after_filter": 1000,
            "score_counts": histogram,
            "score_counts_before_filter": before,
        },
        "split": {
            "train_rows": 714,
            "test_rows": 306,
            "fitted_rows": 571,
            "validation_rows": 143,
            "first_test_rows_row_index_movie_user_score": [
                [
                    int(row) + 20,
                    int(row) - 20 if row >= 20 else int(row),
                    int(row >= 20),
                    1 + (int(row) - 20 + 3) % 5 if row >= 20 else 1 + (int(row) + 2) % 5,
                ]
                for row in split.test.rows[:5]
            ],
            "most_frequent_train_users_user_count": [[1, heavy], [0, 714 - heavy]],
        },
    }
    monkeypatch.setattr(published_checks, "load_published", lambda: published)
    ratings = load_ratings(source)
    checks = check_published(ratings, split_ratings(ratings))
    assert [check.name for check in checks if not check.holds] == []
    assert verdict(checks) == "The same data: all 17 published figures hold."


def test_only_mubi_by_the_published_split_is_compared(ratings: Ratings) -> None:
    made = load_ratings("synthetic:0.0002")
    made_split, random = split_ratings(made), split_ratings(ratings, "random")
    with pytest.raises(ModelsError, match="Use mubi:PATH"):
        check_published(made, made_split)
    with pytest.raises(ModelsError, match="`random`"):
        check_published(ratings, random)
