"""Turn scored rows into `Ratings`: filter the users, give ids their codes, hash the content."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.data.content_hash import content_hash
from models.data.options import SourceOptions, check_limits
from models.data.ratings import Check, Ratings
from models.data.table import IdColumn, RatingTable
from models.errors import ModelsError

Limits = tuple[int | None, int | None]
"""Least and most ratings of a user who is kept, inclusive; None for no limit."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Origin:
    """A source of rows: its name, its default user filter, its checks against published figures.

    Attributes:
        source: The source as the user named it.
        limits: The source's own limits of the user filter.
        synthetic: Whether the rows are made up.
        checks: Published figures compared on the unfiltered rows.
    """

    source: str
    limits: Limits = (None, None)
    synthetic: bool = False
    checks: tuple[Check, ...] = ()


def build_ratings(table: RatingTable, options: SourceOptions, origin: Origin) -> Ratings:
    """Drop users with too few or too many ratings, then give the ids of the remaining rows codes.

    Args:
        table: Scored rows.
        options: May set the limits of the user filter, or turn it off.
        origin: Where the rows come from.

    Returns:
        The ratings.

    Raises:
        ModelsError: The limits contradict each other, or they or the dropped scores leave no row.
    """
    table = _without(table, options.drop_scores or ())
    limits = _limits(options, origin.limits)
    ratings = _encode_rows(table, _kept_rows(table.users, limits), limits, origin)
    return replace(ratings, rules=options.rules_in_force)


def _without(table: RatingTable, dropped: Sequence[float]) -> RatingTable:
    """Leave out the rows that have one of the scores which mean "no rating"."""
    if not dropped:
        return table
    keep = ~np.isin(table.scores, np.array(dropped, np.float32))
    listed = ", ".join(f"{score:g}" for score in dropped)
    if keep.all():
        missing = f"No score is {listed}: `drop_scores` leaves nothing out."
        return replace(table, warnings=(*table.warnings, missing))
    if not keep.any():
        raise ModelsError(
            f"`drop_scores` must leave some ratings, but all {len(keep):,} scores are {listed}."
        )
    left = (
        f"{int((~keep).sum()):,} of {len(keep):,} ratings were left out: their score is {listed}."
    )
    return table.only(keep, (*table.warnings, left))


def _encode_rows(
    table: RatingTable, keep: NDArray[np.bool_] | None, limits: Limits, origin: Origin
) -> Ratings:
    """Make `Ratings` of the rows that the mask `keep`, `[row]`, selects; None selects all rows."""
    users, user_ids = _encode(table.users.only(keep))
    movies, movie_ids = _encode(table.movies.only(keep))
    scores, times = table.scores, table.timestamps
    if keep is not None:
        scores = scores[keep]
        times = None if times is None else times[keep]
    return Ratings(
        user_codes=users,
        movie_codes=movies,
        scores=scores,
        timestamps=times,
        user_ids=user_ids,
        movie_ids=movie_ids,
        row_index=table.row_index if keep is None else table.row_index[keep],
        source=origin.source,
        content_hash=content_hash(table),
        synthetic=origin.synthetic,
        warnings=(*table.warnings, *_warnings(scores, origin)),
        rows_read=table.rows_read,
        rows_scored=len(table.scores),
        min_ratings=limits[0],
        max_ratings=limits[1],
        checks=origin.checks,
        part=table.part if keep is None or table.part is None else table.part[keep],
    )


def _warnings(scores: NDArray[np.float32], origin: Origin) -> list[str]:
    """List what a user should know of the scores and of their source."""
    warnings = []
    if (scores == scores[0]).all():
        warnings.append(f"All scores are {scores[0]:g}: there is nothing to learn.")
    if origin.synthetic:
        warnings.append("These ratings are synthetic: made up, not measured.")
    return warnings


def _limits(options: SourceOptions, default: Limits) -> Limits:
    """Choose the least and most ratings of a kept user: the options', else the source's default.

    There are none where the options turn the filter off.
    """
    if not options.user_filter:
        return None, None
    low = default[0] if options.min_ratings is None else options.min_ratings
    high = default[1] if options.max_ratings is None else options.max_ratings
    check_limits(low, high)
    return low, high


def _kept_rows(users: IdColumn, limits: Limits) -> NDArray[np.bool_] | None:
    """Make a mask, `[row]`, of the rows of users within the limits; None if that is every row."""
    low, high = limits
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
    """Write the range of the counts, zeros left out: "3 to 8", or "3" if all are equal."""
    some = counts[counts > 0]
    return f"{some.min()}" if some.min() == some.max() else f"{some.min()} to {some.max()}"


def _encode(column: IdColumn) -> tuple[NDArray[np.int32], NDArray[Any]]:
    """Sort the ids that occur, and encode each row by the index of its id among the sorted ids.

    Returns:
        Codes, `[row]`, and the sorted ids, `[id]`.
    """
    used = np.bincount(column.codes, minlength=len(column.values)) > 0
    present = np.flatnonzero(used)
    order = present[np.argsort(column.values[present], kind="stable")]
    rank = np.full(len(column.values), -1, np.int32)
    rank[order] = np.arange(len(order), dtype=np.int32)
    return rank[column.codes], column.values[order]
