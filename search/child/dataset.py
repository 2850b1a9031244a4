"""Describes a study's ratings for the record."""

from __future__ import annotations

from typing import Any

from models.data import Ratings, Split, check_published
from models.evaluation import TrivialRmse
from tracking import DatasetRecord


def dataset_record(ratings: Ratings, split: Split, trivial: TrivialRmse) -> DatasetRecord:
    """Describe the ratings: source, hash, counts, checks, trivial predictors.

    Args:
        ratings: The ratings.
        split: Their split; published figures are checked on it too.
        trivial: Validation RMSE of the trivial predictors.
    """
    checks: tuple[str, ...] = ()
    if ratings.checks:
        checks = tuple(
            f"{'same' if c.holds else 'differs'}: {c.name}: published {c.expected}, here {c.found}"
            for c in check_published(ratings, split)
        )
    profile: dict[str, Any] = {
        "rows": len(ratings),
        "users": ratings.n_users,
        "movies": ratings.n_movies,
        "split": split.protocol,
        "train_rows": len(split.train),
        "valid_rows": len(split.valid),
        "test_rows": len(split.test),
        "user_rows": split.vocabulary.user_rows,
        "movie_rows": split.vocabulary.movie_rows,
        "duplicates_dropped": split.duplicates_dropped,
        "min_ratings": ratings.min_ratings,
        "max_ratings": ratings.max_ratings,
        "global_mean_val_rmse": trivial.global_mean,
        "biases_val_rmse": trivial.biases,
    } | {f"unseen_{key}": value for key, value in split.unseen.items()}
    return DatasetRecord(
        name=ratings.source,
        content_hash=ratings.content_hash,
        synthetic=ratings.synthetic,
        profile=profile,
        checks=checks,
    )
