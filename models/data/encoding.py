"""From scored rows to `Ratings`: hash, user filter, encoding."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.data.content_hash import content_hash
from models.data.options import SourceOptions, check_limits
from models.data.ratings import Check, Ratings
from models.data.table import IdColumn, RatingTable
from models.errors import ModelsError


def build_ratings(
    table: RatingTable,
    options: SourceOptions,
    *,
    source: str,
    limits: tuple[int | None, int | None] = (None, None),
    synthetic: bool = False,
    checks: tuple[Check, ...] = (),
) -> Ratings:
    """Filter users by their number of ratings and encode what is left.

    Args:
        table: Scored rows.
        options: May set the limits of the user filter, or turn it off.
        source: The source as the user named it.
        limits: The source's own least and most ratings of a user.
        synthetic: Whether the rows are made up.
        checks: Published figures compared on the unfiltered rows.

    Returns:
        The ratings.

    Raises:
        ModelsError: The limits contradict each other, or leave no row.
    """
    low, high = _limits(options, limits)
    keep = _kept_rows(table.users, low, high)
    users, user_ids = _encode(table.users, keep)
    movies, movie_ids = _encode(table.movies, keep)
    scores = table.scores if keep is None else table.scores[keep]
    warnings = table.warnings
    if (scores == scores[0]).all():
        warnings = (*warnings, f"All scores are {scores[0]:g}: there is nothing to learn.")
    if synthetic:
        warnings = (*warnings, "These ratings are synthetic: made up, not measured.")
    times = table.timestamps
    return Ratings(
        user_codes=users,
        movie_codes=movies,
        scores=scores,
        timestamps=times if times is None or keep is None else times[keep],
        user_ids=user_ids,
        movie_ids=movie_ids,
        row_index=table.row_index if keep is None else table.row_index[keep],
        source=source,
        content_hash=content_hash(table),
        synthetic=synthetic,
        warnings=warnings,
        rows_read=table.rows_read,
        rows_scored=len(table.scores),
        min_ratings=low,
        max_ratings=high,
        checks=checks,
    )


def _limits(
    options: SourceOptions, default: tuple[int | None, int | None]
) -> tuple[int | None, int | None]:
    if not options.user_filter:
        return None, None
    low = default[0] if options.min_ratings is None else options.min_ratings
    high = default[1] if options.max_ratings is None else options.max_ratings
    check_limits(low, high)
    return low, high


def _kept_rows(users: IdColumn, low: int | None, high: int | None) -> NDArray[np.bool_] | None:
    """Rows of the users within the limits, `[row]`; None keeps all."""
    if low is None and high is None:
        return None
    counts = np.bincount(users.codes, minlength=len(users.values))
    kept = counts >= (low or 1)
    if high is not None:
        kept &= counts <= high
    if kept.all():
        return None
    if not kept[counts > 0].any():
        raise ModelsError(
            f"A user must have {low or 1} to {'any number of' if high is None else high} ratings, "
            f"but all {int((counts > 0).sum())} have {_span(counts)}. "
            "Use `--no-user-filter` to keep every user."
        )
    rows: NDArray[np.bool_] = kept[users.codes]
    return rows


def _span(counts: NDArray[np.int64]) -> str:
    some = counts[counts > 0]
    return f"{some.min()}" if some.min() == some.max() else f"{some.min()} to {some.max()}"


def _encode(
    column: IdColumn, keep: NDArray[np.bool_] | None
) -> tuple[NDArray[np.int32], NDArray[Any]]:
    """Codes in the sorted ids that are in use, `[row]`, and those ids."""
    codes = column.codes if keep is None else column.codes[keep]
    used = np.bincount(codes, minlength=len(column.values)) > 0
    present = np.flatnonzero(used)
    order = present[np.argsort(column.values[present], kind="stable")]
    rank = np.full(len(column.values), -1, np.int32)
    rank[order] = np.arange(len(order), dtype=np.int32)
    return rank[codes], column.values[order]
