"""The figures published with the baseline, and whether ratings match them."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.data.ratings import Check, Ratings
from models.data.splits import Split
from models.data.table import IdColumn, RatingTable


@cache
def load_published() -> dict[str, Any]:
    """The published figures."""
    path = Path(__file__).parent.parent / "published.json"
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def unfiltered_checks(table: RatingTable) -> tuple[Check, ...]:
    """The published figures that only the rows before the user filter can show."""
    data = load_published()["dataset"]
    before = dict(data["score_counts_before_filter"])
    nulls = before.pop("null")
    return (
        _check("rows read", data["rows_read"], table.rows_read),
        _check("rows with a score", data["rows_with_a_score"], len(table.scores)),
        _check("rows without a score", nulls, table.rows_read - len(table.scores)),
        _check("users with a score", data["users_with_a_score"], _used(table.users)),
        _check("movies with a score", data["movies_with_a_score"], _used(table.movies)),
        _check("scores before the filter", before, histogram(table.scores)),
    )


def check_published(ratings: Ratings, split: Split) -> tuple[Check, ...]:
    """Hold ratings and their split against every published figure.

    Args:
        ratings: Read from `mubi`.
        split: By the protocol `published`.

    Returns:
        A check a figure; all hold for the published data.
    """
    figures = load_published()
    data, cut = figures["dataset"], figures["split"]
    before_cut = np.concatenate([split.train.rows, split.valid.rows])
    top = cut["most_frequent_train_users_user_count"]
    first = cut["first_test_rows_row_index_movie_user_score"]
    return (
        *ratings.checks,
        _check("rows after the filter", data["rows_after_filter"], len(ratings)),
        _check("users after the filter", data["users_after_filter"], ratings.n_users),
        _check("movies after the filter", data["movies_after_filter"], ratings.n_movies),
        _check("scores after the filter", data["score_counts"], histogram(ratings.scores)),
        _check("train rows", cut["train_rows"], len(before_cut)),
        _check("test rows", cut["test_rows"], len(split.test)),
        _check("fitted rows", cut["fitted_rows"], len(split.train)),
        _check("validation rows", cut["validation_rows"], len(split.valid)),
        _check("first test rows", first, _rows(ratings, split.test.rows[: len(first)])),
        _check("most frequent train users", top, _top(ratings, before_cut, len(top))),
    )


def histogram(scores: NDArray[np.float32]) -> dict[str, int]:
    """Rows by score, lowest first; whole scores without a decimal point."""
    values, counts = np.unique(scores, return_counts=True)
    return {f"{value:g}": int(count) for value, count in zip(values, counts, strict=True)}


def _check(name: str, expected: Any, found: Any) -> Check:
    return Check(name, expected, found, expected == found)


def _used(column: IdColumn) -> int:
    return int(np.count_nonzero(np.bincount(column.codes, minlength=len(column.values))))


def _rows(ratings: Ratings, rows: NDArray[np.int64]) -> list[list[int | float]]:
    """Source row, movie code, user code and score of each row."""
    return [
        [
            int(ratings.row_index[row]),
            int(ratings.movie_codes[row]),
            int(ratings.user_codes[row]),
            float(ratings.scores[row]),
        ]
        for row in rows
    ]


def _top(ratings: Ratings, rows: NDArray[np.int64], count: int) -> list[list[int]]:
    """The most frequent users among the rows: code and number of rows, most first."""
    counts = np.bincount(ratings.user_codes[rows], minlength=ratings.n_users)
    order = np.lexsort((np.arange(len(counts)), -counts))[:count]
    return [[int(user), int(counts[user])] for user in order]
