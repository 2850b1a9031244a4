"""Compare ratings and their split with the figures published for MUBI, one by one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.data.ratings import Check, Ratings
from models.data.split import Split
from models.data.table import IdColumn, RatingTable
from models.errors import ModelsError
from models.published_figures import load_published


def unfiltered_checks(table: RatingTable) -> tuple[Check, ...]:
    """Compare the rows before the user filter with the published figures on them.

    Args:
        table: The scored rows.

    Returns:
        One check a figure.
    """
    data = load_published()["dataset"]
    expected = dict(data["score_counts_before_filter"])
    nulls = expected.pop("null")
    return (
        _check("rows read", data["rows_read"], table.rows_read),
        _check("rows with a score", data["rows_with_a_score"], len(table.scores)),
        _check("rows without a score", nulls, table.rows_read - len(table.scores)),
        _check("users with a score", data["users_with_a_score"], _distinct(table.users)),
        _check("movies with a score", data["movies_with_a_score"], _distinct(table.movies)),
        _check("scores before the filter", expected, score_counts(table.scores)),
    )


def is_published(checks: Sequence[str]) -> bool:
    """Whether ratings and split are the published ones: figures were checked, and all are the same.

    Args:
        checks: `tracking.DatasetRecord.checks`; empty where the source is not MUBI's database.

    Example:
        >>> is_published(["same: rows read: published 15520005, here 15520005"])
        True
        >>> is_published(["differs: rows read: published 15520005, here 8854"]), is_published([])
        (False, False)
    """
    return bool(checks) and all(line.startswith("same") for line in checks)


def check_published(ratings: Ratings, split: Split) -> tuple[Check, ...]:
    """Compare ratings of MUBI and their split with every published figure.

    Args:
        ratings: Ratings loaded from `mubi:PATH`.
        split: Their `published` split.

    Returns:
        One check a figure, in the order of the pipeline.

    Raises:
        ModelsError: The ratings are not from `mubi:PATH`, or the split is another.

    Example:
        >>> from models.data import load_ratings
        >>> check_published(load_ratings("ratings.csv"), split)
        Traceback (most recent call last):
        models.errors.ModelsError: The published figures are MUBI's, but the source is ...
    """
    if not ratings.checks:
        raise ModelsError(
            f"The published figures are MUBI's, but the source is {ratings.source}. Use mubi:PATH."
        )
    if split.protocol != "published":
        raise ModelsError(f"The published split is `published`, but got `{split.protocol}`.")
    return (*ratings.checks, *_filtered_checks(ratings), *_split_checks(ratings, split))


def _filtered_checks(ratings: Ratings) -> tuple[Check, ...]:
    """Compare the rows after the user filter with the published figures on them."""
    data = load_published()["dataset"]
    limits = data["user_filter"]
    return (
        _check(
            "least and most ratings of a user",
            [limits["min_ratings"], limits["max_ratings"]],
            [ratings.min_ratings, ratings.max_ratings],
        ),
        _check("rows after the filter", data["rows_after_filter"], len(ratings)),
        _check("users after the filter", data["users_after_filter"], ratings.n_users),
        _check("movies after the filter", data["movies_after_filter"], ratings.n_movies),
        _check("scores after the filter", data["score_counts"], score_counts(ratings.scores)),
    )


def _split_checks(ratings: Ratings, split: Split) -> tuple[Check, ...]:
    """Compare the split with the published figures on it."""
    cut = load_published()["split"]
    return (
        _check("train rows", cut["train_rows"], len(split.train) + len(split.valid)),
        _check("test rows", cut["test_rows"], len(split.test)),
        _check("fitted rows", cut["fitted_rows"], len(split.train)),
        _check("validation rows", cut["validation_rows"], len(split.valid)),
        _first_test_rows(ratings, split, cut),
        _busiest_users(ratings, split, cut),
    )


def verdict(checks: tuple[Check, ...]) -> str:
    """Say in one line whether the checked data are the published ones, and if not, what differs.

    Args:
        checks: What `check_published` returned.

    Returns:
        The line; it names the first three figures that differ.

    Example:
        >>> verdict((Check("users", 3, 3, True), Check("train rows", 80, 79, False)))
        'A different dump: 1 of 2 published figures differ: train rows 79, not 80.'
    """
    wrong = [check for check in checks if not check.holds]
    if not wrong:
        return f"The same data: all {len(checks)} published figures hold."
    differences = "; ".join(
        f"{check.name} {check.found}, not {check.expected}" for check in wrong[:3]
    )
    more = f"; and {len(wrong) - 3} more" if len(wrong) > 3 else ""
    return (
        f"A different dump: {len(wrong)} of {len(checks)} published figures differ: "
        f"{differences}{more}."
    )


def score_counts(scores: NDArray[np.float32]) -> dict[str, int]:
    """Count the rows of each score, lowest score first: [4, 5, 4] gives {"4": 2, "5": 1}."""
    values, counts = np.unique(scores, return_counts=True)
    return {f"{value:g}": int(count) for value, count in zip(values, counts, strict=True)}


def _check(name: str, expected: Any, found: Any) -> Check:
    """Compare one published figure with the figure found in the data."""
    return Check(name, expected, found, expected == found)


def _distinct(column: IdColumn) -> int:
    """Count the ids that occur in at least one row."""
    return int(np.count_nonzero(np.bincount(column.codes, minlength=len(column.values))))


def _first_test_rows(ratings: Ratings, split: Split, cut: dict[str, Any]) -> Check:
    """Compare the first rows of the test part with the published ones, value by value."""
    expected = cut["first_test_rows_row_index_movie_user_score"]
    rows = split.test.rows[: len(expected)]
    columns = (ratings.row_index, ratings.movie_codes, ratings.user_codes, ratings.scores)
    found = [list(row) for row in zip(*(column[rows].tolist() for column in columns), strict=True)]
    return _check("first test rows (row, movie, user, score)", expected, found)


def _busiest_users(ratings: Ratings, split: Split, cut: dict[str, Any]) -> Check:
    """Compare the users who have most train and validation rows with the published ones."""
    expected = cut["most_frequent_train_users_user_count"]
    rows = np.concatenate([split.train.rows, split.valid.rows])
    counts = np.bincount(ratings.user_codes[rows], minlength=ratings.n_users)
    # Among users of equal count the published order is arbitrary: published ones go first.
    named = np.isin(np.arange(len(counts)), [user for user, _ in expected])
    order = np.lexsort((~named, -counts))[: len(expected)]
    found = [[int(user), int(counts[user])] for user in order]
    return _check("busiest train users (user, rows)", expected, found)
