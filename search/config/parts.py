"""A trial of several trainings: seeds that are averaged, or folds that are left out in turn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from models import ModelsError
from models.checks import check_growth
from search.errors import SearchError

if TYPE_CHECKING:
    from search.config.study import StudyConfig

_MOST = 100


def check_parts(config: StudyConfig) -> None:
    """Refuse repeats, folds and growing samples that cannot be, or do not go together.

    Raises:
        SearchError: The first that does not fit.
    """
    if not 1 <= config.repeats <= _MOST:
        raise SearchError(f"`repeats` must be from 1 to {_MOST}, but got {config.repeats}.")
    if config.folds is not None and not 2 <= config.folds <= _MOST:
        raise SearchError(f"`folds` must be from 2 to {_MOST}, but got {config.folds}.")
    if config.folds is not None and config.repeats > 1:
        raise SearchError(
            "A trial may have `repeats` or `folds`, but got both. Use one of them: each fold is "
            "trained on a seed of its own anyway."
        )
    try:
        check_growth(config.growth, config.epochs)
    except ModelsError as error:
        raise SearchError(str(error)) from error
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


def parts_of(config: StudyConfig) -> int:
    """How many trainings a trial is."""
    return config.folds or config.repeats


def part_kind(config: StudyConfig) -> Literal["fold", "repeat"]:
    """What one training of several is called."""
    return "fold" if config.folds else "repeat"
