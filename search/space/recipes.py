"""Recipes: published configurations, one per model family; a new study tries them early."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from search.config.options import SAMPLERS
from search.config.study import SHIPPED, StudyConfig
from search.errors import SearchError
from search.space.batches import batch_sizes
from search.space.configurations import check_configurations, read_configurations
from search.space.parameters import Parameter
from search.space.weights import Weights
from tracking import DatasetRecord, Scalar

RECIPES = SHIPPED / "recipes.toml"
_SHARE = 4
_MOST_IDS = 16_384
_L2_RATING = 0.02  # Funk's of 2006, and Surprise's default for SVD
_NO_PENALTY, _NO_RATING = 1e-9, 1e-4  # the space's least values, which stand for none


def recipes_for(
    config: StudyConfig,
    space: Sequence[Parameter],
    weights: Weights | None = None,
    dataset: DatasetRecord | None = None,
) -> Sequence[Mapping[str, Scalar]]:
    """List the recipes that a new study tries: at most one for every four of its trials.

    None where the sampler looks at no other trial, where an earlier study says more, or where the
    study says so; and none that the study's space does not hold as it was published, or that a
    limit on the weights refuses.

    Args:
        config: The study.
        space: Its space.
        weights: Counts the weights of configurations, where the study limits them.
        dataset: Its ratings, which recipes are fitted to; None for those of the sample.
    """
    wanted = config.recipes and config.model == "ratings" and config.warm_start is None
    if not wanted or not SAMPLERS[config.sampler].looks:
        return []
    recipes = [fitted(values, dataset) for values in read_configurations(RECIPES)]
    held = [values for values in recipes if _holds(space, values)]
    if weights is not None:
        held = [values for values in held if not weights.least_refusal(values)]
    return held[: config.trials // _SHARE]


def fitted(values: Mapping[str, Scalar], dataset: DatasetRecord | None) -> Mapping[str, Scalar]:
    """Fit a recipe to ratings: its penalty, and its optimizer where they have many ids.

    A penalty on a table is one a rating, divided by the table's users. A dense optimizer moves all
    rows of all tables at each step: with many ids one that moves the batch's rows alone takes its
    place, with the penalty a rating and the smallest batch that is offered for so many.
    """
    profile = dataset.profile if dataset is not None else {}
    users, movies = (int(profile.get(name) or 0) for name in ("user_rows", "movie_rows"))
    if not users:
        return values
    changed: dict[str, Scalar] = {}
    if users + movies > _MOST_IDS:
        penalised = values["l2_embedding"] != _NO_PENALTY
        changed = {"optimizer": "lazy_adam", "l2_rating": _L2_RATING if penalised else _NO_RATING}
        changed["batch_size"] = batch_sizes(users + movies)[-1]
        if "l2_bias" in values:
            changed["l2_bias"] = _NO_PENALTY
        return {n: value for n, value in values.items() if n != "l2_embedding"} | changed
    for name in ("l2_embedding", "l2_bias"):
        if values.get(name, _NO_PENALTY) != _NO_PENALTY:
            changed[name] = min(1e-3, float(f"{_L2_RATING / users:.1e}"))
    return dict(values) | changed


def _holds(space: Sequence[Parameter], values: Mapping[str, Scalar]) -> bool:
    """Whether every value of a recipe lies in the space."""
    try:
        check_configurations([values], space)
    except SearchError:
        return False
    return True
