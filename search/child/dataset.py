"""Loads a study's ratings, holds them against the published baseline, and describes them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from models.baseline import as_written, baseline
from models.data import (
    Ratings,
    Split,
    check_published,
    concerns,
    load_ratings,
    split_ratings,
)
from models.evaluation import TrivialRmse
from search.config.study import StudyConfig
from search.errors import SearchError
from search.space.scores import ScoreRange
from tracking import DatasetRecord


@dataclass(frozen=True, slots=True)
class Dataset:
    """The ratings of a study.

    Attributes:
        ratings: The ratings.
        split: Their split.
        scores: The range of the train part's scores, which the space knows; None in a study of an
            earlier version, whose space does not.
    """

    ratings: Ratings
    split: Split
    scores: ScoreRange | None

    @property
    def ids(self) -> int:
        """Rows of the tables of users and of movies together."""
        return self.split.vocabulary.user_rows + self.split.vocabulary.movie_rows

    def misfit(self, config: StudyConfig) -> str:
        """Say in words why the published trial does not fit the scores; empty where it fits.

        Args:
            config: The study, whose model may be one of the two published ones.
        """
        model, _ = as_written() if config.model == "as-written" else baseline()
        return "" if self.scores is None else self.scores.misfit(model)

    def warnings(self, misfit: str) -> tuple[str, ...]:
        """List what a user should know of the ratings and their split, one line each.

        Args:
            misfit: As `misfit` says it.
        """
        looks = concerns(self.ratings, self.split)
        lines = (*self.ratings.warnings, *self.split.warnings, *looks)
        if not misfit:
            return lines
        return (
            *lines,
            f"The published baseline does not fit these scores: {misfit}. It runs as published all "
            "the same; the bar to beat is what the user and movie biases reach.",
        )


def load_dataset(config: StudyConfig) -> Dataset:
    """Read a study's ratings and split them.

    Args:
        config: The study.

    Raises:
        ModelsError: The ratings cannot be had, or break a rule.
        SearchError: All scores of the train part are the same.
    """
    ratings = load_ratings(config.data, config.options)
    split = split_ratings(ratings, config.split, seed=config.seed)
    if ratings.rules == 1:
        return Dataset(ratings, split, None)
    scores = ScoreRange.of(split, rules=ratings.rules)
    if scores.low == scores.high:
        raise SearchError(
            f"A study needs scores that differ, but all {len(split.train):,} of the train part are "
            f"{scores.low:g}: there is nothing to learn. Take other ratings."
        )
    return Dataset(ratings, split, scores)


def dataset_record(data: Dataset, trivial: TrivialRmse, misfit: str) -> DatasetRecord:
    """Describe the ratings: source, hash, counts, checks, trivial predictors.

    Args:
        data: The ratings and their split; published figures are checked on it too.
        trivial: Validation RMSE of the trivial predictors.
        misfit: Why the published baseline does not fit the scores; empty where it fits.
    """
    ratings, split = data.ratings, data.split
    profile: dict[str, Any] = {
        "rows": len(ratings),
        "users": ratings.n_users,
        "movies": ratings.n_movies,
        "split": split.protocol,
        **({"validation_by": split.validation} if split.validation else {}),
        "train_rows": len(split.train),
        "valid_rows": len(split.valid),
        "test_rows": len(split.test),
        "user_rows": split.vocabulary.user_rows,
        "movie_rows": split.vocabulary.movie_rows,
        "duplicates_dropped": split.duplicates_dropped,
        "min_ratings": ratings.min_ratings,
        "max_ratings": ratings.max_ratings,
        "rules": ratings.rules,
        "global_mean_val_rmse": trivial.global_mean,
        "biases_val_rmse": trivial.biases,
    } | {f"unseen_{key}": value for key, value in split.unseen.items()}
    if data.scores is not None:
        profile |= {"score_low": data.scores.low, "score_high": data.scores.high}
    if misfit:
        profile["baseline_misfit"] = misfit
    return DatasetRecord(
        name=ratings.source,
        content_hash=ratings.content_hash,
        synthetic=ratings.synthetic,
        profile=profile,
        checks=_checks(data),
    )


def _checks(data: Dataset) -> tuple[str, ...]:
    """Say of each published figure whether the ratings have it; no line but for MUBI."""
    if not data.ratings.checks:
        return ()
    return tuple(
        f"{'same' if c.holds else 'differs'}: {c.name}: published {c.expected}, here {c.found}"
        for c in check_published(data.ratings, data.split)
    )
