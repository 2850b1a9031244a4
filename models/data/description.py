"""What there is to know about ratings, in plain values."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.data.published import check_published, histogram
from models.data.ratings import Ratings
from models.data.splits import Split


def describe(ratings: Ratings, split: Split | None = None) -> dict[str, Any]:
    """Counts, shares and checks of ratings, and of their split.

    Args:
        ratings: What to describe.
        split: Its split, where there is one.

    Returns:
        Plain values by name, ready for JSON.
    """
    found: dict[str, Any] = {
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
        "scores": histogram(ratings.scores),
        "mean_score": float(ratings.scores.mean(dtype=np.float64)),
        "ratings_per_user": _spread(ratings.user_codes),
        "ratings_per_movie": _spread(ratings.movie_codes),
        "first_time": _time(ratings, np.min),
        "last_time": _time(ratings, np.max),
        "warnings": [*ratings.warnings, *(split.warnings if split else ())],
    }
    if split is not None:
        found |= {
            "split": split.protocol,
            "train_rows": len(split.train),
            "valid_rows": len(split.valid),
            "test_rows": len(split.test),
            "duplicates_dropped": split.duplicates_dropped,
            "unseen": dict(split.unseen),
            "vocabulary_users": split.vocabulary.n_users,
            "vocabulary_movies": split.vocabulary.n_movies,
        }
        if ratings.checks and split.protocol == "published":
            checks = check_published(ratings, split)
            found["published_data"] = all(check.holds for check in checks)
            found["checks"] = [
                {"name": c.name, "expected": c.expected, "found": c.found, "holds": c.holds}
                for c in checks
            ]
    return found


def _spread(codes: NDArray[np.int32]) -> dict[str, float]:
    counts = np.bincount(codes)
    names = ("least", "quarter", "median", "three_quarters", "most")
    return dict(zip(names, np.percentile(counts, [0, 25, 50, 75, 100]).tolist(), strict=True))


def _time(ratings: Ratings, pick: Any) -> str | None:
    if ratings.timestamps is None:
        return None
    return f"{np.datetime64(int(pick(ratings.timestamps)), 's')}Z"
