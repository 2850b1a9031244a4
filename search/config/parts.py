"""A trial of several trainings: repeats on several seeds, or folds of cross-validation."""

from __future__ import annotations

from typing import Literal

from models.checks import check_growth
from search.config.sections import Settings
from search.errors import SearchError


def check_parts(config: Settings) -> None:
    """Refuse `repeats`, `folds` and `growth` that do not suit each other, the epochs or the model.

    Raises:
        SearchError: A setting is refused; the message names the first.
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
    """The number of trainings of each trial: `folds`, else `repeats` (1 by default)."""
    return config.folds or config.repeats


def part_kind(config: Settings) -> Literal["fold", "repeat"]:
    """The word for one of a trial's trainings: "fold" or "repeat"."""
    return "fold" if config.folds else "repeat"
