"""Recipes: published configurations, one per model family; a new study tries them early."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from search.config.options import SAMPLERS
from search.config.study import SHIPPED, StudyConfig
from search.errors import SearchError
from search.space.configurations import check_configurations, read_configurations
from search.space.parameters import Parameter
from search.space.weights import Weights
from tracking import Scalar

RECIPES = SHIPPED / "recipes.toml"
_SHARE = 4


def recipes_for(
    config: StudyConfig, space: Sequence[Parameter], weights: Weights | None = None
) -> Sequence[Mapping[str, Scalar]]:
    """List the recipes that a new study tries: at most one for every four of its trials.

    None where the sampler looks at no other trial, where an earlier study says more, or where the
    study says so; and none that the study's space does not hold as it was published, or that a
    limit on the weights refuses.

    Args:
        config: The study.
        space: Its space.
        weights: Counts the weights of configurations, where the study limits them.
    """
    wanted = config.recipes and config.model == "ratings" and config.warm_start is None
    if not wanted or not SAMPLERS[config.sampler].looks:
        return []
    held = [values for values in read_configurations(RECIPES) if _holds(space, values)]
    if weights is not None:
        held = [values for values in held if not weights.least_refusal(values)]
    return held[: config.trials // _SHARE]


def _holds(space: Sequence[Parameter], values: Mapping[str, Scalar]) -> bool:
    """Whether every value of a recipe lies in the space."""
    try:
        check_configurations([values], space)
    except SearchError:
        return False
    return True
