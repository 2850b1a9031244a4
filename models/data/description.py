"""Describe ratings in plain values: what `data inspect --json` prints."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.data.concerns import concerns
from models.data.published import check_published, score_counts
from models.data.ratings import Ratings
from models.data.split import Split

_QUANTILES = {"min": 0.0, "p25": 0.25, "median": 0.5, "p75": 0.75, "p99": 0.99, "max": 1.0}
_MOST_DISTINCT_SCORES = 100
_BINS = 20


def describe(ratings: Ratings, split: Split | None = None) -> dict[str, Any]:
    """Describe ratings, and their split if given: counts, scores, times, warnings, checks.

    Args:
        ratings: What to describe.
        split: A split of them.

    Returns:
        Numbers, strings, lists and dictionaries only, ready for JSON.

    Example:
        >>> from models.data import load_ratings
        >>> description = describe(load_ratings("ratings.csv"))
        >>> description["scores"], round(description["mean_score"], 2)
        ({'2': 1, '3': 3, '4': 3, '5': 3}, 3.8)
    """
    description = _describe_ratings(ratings)
    description["warnings"] = [
        *ratings.warnings,
        *(split.warnings if split else ()),
        *concerns(ratings, split),
    ]
    description["checks"] = [asdict(check) for check in ratings.checks]
    if split is not None:
        description |= _describe_split(split)
        if ratings.checks and split.protocol == "published":
            checks = check_published(ratings, split)
            description["published_data"] = all(check.holds for check in checks)
            description["checks"] = [asdict(check) for check in checks]
    return description


def _describe_ratings(ratings: Ratings) -> dict[str, Any]:
    scores = ratings.scores
    return {
        "source": ratings.source,
        "synthetic": ratings.synthetic,
        "content_hash": ratings.content_hash,
        "rows_read": ratings.rows_read,
        "rows_scored": ratings.rows_scored,
        "rows": len(ratings),
        "users": ratings.n_users,
        "movies": ratings.n_movies,
        "density": len(ratings) / (ratings.n_users * ratings.n_movies),
        "min_ratings": ratings.min_ratings,
        "max_ratings": ratings.max_ratings,
        "rules": ratings.rules,
        "scores": _histogram(scores),
        "mean_score": float(scores.mean(dtype=np.float64)),
        "std_score": float(scores.std(dtype=np.float64)),
        "ratings_per_user": _spread(ratings.user_codes, ratings.n_users),
        "ratings_per_movie": _spread(ratings.movie_codes, ratings.n_movies),
        "first_time": _time(ratings.timestamps, np.min),
        "last_time": _time(ratings.timestamps, np.max),
    }


def _describe_split(split: Split) -> dict[str, Any]:
    return {
        "split": split.protocol,
        **({"validation_by": split.validation} if split.validation else {}),
        "seed": split.seed,
        "train_rows": len(split.train),
        "valid_rows": len(split.valid),
        "test_rows": len(split.test),
        "duplicates_dropped": split.duplicates_dropped,
        "unseen": dict(split.unseen),
        "vocabulary_users": split.vocabulary.n_users,
        "vocabulary_movies": split.vocabulary.n_movies,
    }


def _histogram(scores: NDArray[np.float32]) -> dict[str, int]:
    """Count the rows of each score, or of 20 equal ranges where there are over 100 scores."""
    counts = score_counts(scores)
    if len(counts) <= _MOST_DISTINCT_SCORES:
        return counts
    rows, edges = np.histogram(scores, bins=_BINS)
    names = [f"{low:.4g} to {high:.4g}" for low, high in pairwise(edges)]
    return dict(zip(names, rows.tolist(), strict=True))


def _spread(codes: NDArray[np.int32], size: int) -> dict[str, float]:
    """Compute quantiles and mean of the number of rows of each user, or of each movie."""
    counts = np.bincount(codes, minlength=size)
    quantiles = np.quantile(counts, list(_QUANTILES.values()))
    spread = {name: float(value) for name, value in zip(_QUANTILES, quantiles, strict=True)}
    return {**spread, "mean": float(counts.mean())}


def _time(timestamps: NDArray[np.int64] | None, pick: Callable[[Any], Any]) -> str | None:
    """Write the first or last time as ISO 8601 in UTC; None where there are no times."""
    if timestamps is None:
        return None
    return datetime.fromtimestamp(int(pick(timestamps)), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
