"""A trial of several trainings: seeds that are averaged, or folds that are left out in turn."""

from __future__ import annotations

from typing import Literal

from models.checks import check_growth
from search.config.sections import Settings
from search.errors import SearchError


def check_parts(config: Settings) -> None:
    """Refuse repeats, folds and growing samples that cannot be, or do not go together.

    Raises:
        SearchError: The first that does not fit.
    """
    if config.folds is not None and config.repeats > 1:
        raise SearchError(
            "A trial may have `repeats` or `folds`, but got both. Use one of them: each fold is "
            "trained on a seed of its own anyway."
        )
    check_growth(config.growth, config.epochs, error=SearchError)
    for name, value in (
        ("growth", config.growth),
        ("repeats", config.repeats > 1),
        ("folds", config.folds),
    ):
        if value and not config.rates:
            raise SearchError(
                f"`{name}` must stand with a model of ratings, since `{config.model}` has data of "
                "its own, but it is given. Take it out."
            )


def parts_of(config: Settings) -> int:
    """How many trainings a trial is."""
    return config.folds or config.repeats


def part_kind(config: Settings) -> Literal["fold", "repeat"]:
    """What one training of several is called."""
    return "fold" if config.folds else "repeat"
