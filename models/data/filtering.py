"""From scored rows to encoded ratings, users with too few or too many left out."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.data.ratings import Check, Ratings
from models.data.table import IdColumn, RatingTable
from models.errors import ModelsError


def encode_and_filter(
    table: RatingTable,
    *,
    source: str,
    digest: str,
    limits: tuple[int | None, int | None],
    synthetic: bool,
    checks: tuple[Check, ...],
) -> Ratings:
    """Keep users within the limits, then number users and movies by their sorted ids.

    Args:
        table: Scored rows.
        source: As the user named it.
        digest: Content hash of the table.
        limits: Least and most ratings of a kept user, inclusive.
        synthetic: Whether the rows are made up.
        checks: Published figures already checked.

    Returns:
        The ratings.

    Raises:
        ModelsError: The filter leaves nothing, or there is only one user or one movie.
    """
    kept = _kept(table, limits)
    users, user_ids = _encode(table.users, kept)
    movies, movie_ids = _encode(table.movies, kept)
    scores = _take(table.scores, kept)
    for what, ids in (("users", user_ids), ("movies", movie_ids)):
        if len(ids) < 2:
            raise ModelsError(f"Ratings must be of at least 2 {what}, but {source} has {len(ids)}.")
    warnings = list(table.warnings)
    if scores.min() == scores.max():
        warnings.append(f"Every score is {scores[0]:g}: there is nothing to predict.")
    if synthetic:
        warnings.append("These ratings are synthetic: made up, not measured.")
    return Ratings(
        user_codes=users,
        movie_codes=movies,
        scores=scores,
        timestamps=None if table.timestamps is None else _take(table.timestamps, kept),
        user_ids=user_ids,
        movie_ids=movie_ids,
        row_index=_take(table.row_index, kept),
        source=source,
        content_hash=digest,
        synthetic=synthetic,
        warnings=tuple(warnings),
        rows_read=table.rows_read,
        rows_scored=len(table.scores),
        min_ratings=limits[0],
        max_ratings=limits[1],
        checks=checks,
    )


def _kept(table: RatingTable, limits: tuple[int | None, int | None]) -> NDArray[np.bool_] | None:
    least, most = limits
    if least is None and most is None:
        return None
    counts = np.bincount(table.users.codes, minlength=len(table.users.values))
    good = (counts >= (least or 0)) & (counts <= (most or counts.max(initial=0)))
    kept: NDArray[np.bool_] = good[table.users.codes]
    if not kept.any():
        raise ModelsError(
            f"The user filter must leave ratings, but no user has between {least or 0} and "
            f"{most or 'any number of'} of them. Widen it, or use `--no-user-filter`."
        )
    return kept


def _take(values: NDArray[Any], kept: NDArray[np.bool_] | None) -> NDArray[Any]:
    return values if kept is None else values[kept]


def _encode(
    column: IdColumn, kept: NDArray[np.bool_] | None
) -> tuple[NDArray[np.int32], NDArray[Any]]:
    codes = _take(column.codes, kept)
    used = np.flatnonzero(np.bincount(codes, minlength=len(column.values)))
    ids = column.values[used]
    order = np.argsort(ids, kind="stable")
    new = np.full(len(column.values), -1, np.int32)
    new[used[order]] = np.arange(len(used), dtype=np.int32)
    return new[codes], ids[order]
