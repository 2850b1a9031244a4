"""The space of our own rating models, declared and read without Keras Tuner."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from models import ModelConfig, TrainConfig
from search.config.study import StudyConfig
from search.space import ratings
from search.space.listing import Listing
from search.space.scores import ScoreRange


def declare_own(config: StudyConfig, scores: ScoreRange | None = None, ids: int = 0) -> Listing:
    """Declare what a study of rating models searches, as `search.space.hypermodel.declare` does.

    Args:
        config: The study; "baseline" and "as-written" search nothing.
        scores: The range of the scores, which the space fits; None for any.
        ids: Users and movies, as `search.space.ratings.read` takes them.

    Raises:
        SearchError: A mistake in `[space]`.
        ValueError: The study trains a user's own model.

    Example:
        >>> space = declare_own(StudyConfig(space={"family": "gmf"})).parameters
        >>> [parameter.name for parameter in space][:2]
        ['optimizer', 'family']
        >>> declare_own(StudyConfig(model="baseline")).parameters
        ()
    """
    if not config.rates:
        raise ValueError(f"A user's own model declares its space itself, but got `{config.model}`.")
    listing = Listing()
    if config.model == "ratings":
        ratings.read(listing, config.space, scores, ids)
    return listing


def read_own(
    values: Mapping[str, Any],
    overrides: Mapping[str, Any] | None = None,
    scores: ScoreRange | None = None,
    ids: int = 0,
) -> tuple[ModelConfig, TrainConfig]:
    """Read a configuration of the space of rating models.

    Args:
        values: Active parameters' values by name; those that are left out have their defaults.
        overrides: From a study file's `[space]`.
        scores: The range of the scores, as the space was declared with.
        ids: Users and movies, as the space was declared with.

    Returns:
        What the model is built of, and how it is trained; seed and epochs are still the defaults.

    Raises:
        SearchError: An override names no parameter, or does not fit it or the scores.

    Example:
        >>> model, train = read_own({"family": "gmf", "learning_rate": 0.02})
        >>> model.family, model.units, train.learning_rate
        ('gmf', (), 0.02)
    """
    return ratings.read(Listing(values), overrides, scores, ids)
