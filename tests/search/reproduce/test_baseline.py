"""The published reproduction's path, on made-up ratings in a file of MUBI's shape."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import numpy as np
import pytest

from models.data import load_ratings
from search.reproduce import reproduce
from search.reproduce.baseline import PUBLISHED_TOLERANCE
from tracking import Store


@pytest.fixture
def mubi_file(tmp_path: Path) -> Path:
    ratings = load_ratings("synthetic:0.001")
    path = tmp_path / "mubi.sqlite"
    connection = sqlite3.connect(path)
    connection.execute(
        "CREATE TABLE ratings (movie_id INTEGER, rating_id INTEGER, rating_score REAL, "
        "rating_timestamp_utc TEXT, user_id INTEGER)"
    )
    connection.executemany(
        "INSERT INTO ratings VALUES (?, ?, ?, ?, ?)",
        [
            (
                int(ratings.movie_ids[m]),
                row,
                float(s),
                str(np.datetime64(int(t), "s")).replace("T", " "),
                int(ratings.user_ids[u]),
            )
            for row, (u, m, s, t) in enumerate(
                zip(
                    ratings.user_codes,
                    ratings.movie_codes,
                    ratings.scores,
                    ratings.timestamps,
                    strict=True,
                )
            )
        ],
    )
    connection.commit()
    connection.close()
    return path


def test_another_dump_is_trained_compared_and_told_as_another(mubi_file: Path, home: Path) -> None:
    store = Store(home)
    made = reproduce("baseline", store, data=f"mubi:{mubi_file}")
    assert made.expected == pytest.approx(0.8396117)
    assert made.tolerance == PUBLISHED_TOLERANCE
    assert made.difference == pytest.approx(made.got - made.expected)
    assert made.reproduced == (abs(made.difference) <= PUBLISHED_TOLERANCE)
    assert any("rows read: published 15520005, here 8854" in line for line in made.drift)
    files = {f.path for f in store.client().list_artifacts(made.run_id)}
    assert Path(made.picture).name in files
