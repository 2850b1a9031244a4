"""Recipes: configurations that a new study tries early, fitted to its ratings."""

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
_PORTFOLIO = 5  # recipes before the published ones
_MOST_IDS = 16_384
_USERS = 672  # rows of the sample's table of users: what a recipe's penalties are meant for
_MOST_PENALTY, _MOST_RATING = 1e-3, 0.3  # the space's greatest values
_NO_PENALTY, _NO_RATING = 1e-9, 1e-4  # the space's least values, which stand for none


def recipes_for(
    config: StudyConfig,
    space: Sequence[Parameter],
    weights: Weights | None = None,
    dataset: DatasetRecord | None = None,
) -> Sequence[Mapping[str, Scalar]]:
    """List the recipes that a new study tries: at most one for every four of its trials.

    The portfolio was chosen on ratings of few ids: where they are many, the published recipes come
    first. None where the sampler looks at no other trial, where an earlier study says more, or
    where the study says so; and none that the study's space does not hold, or that a limit on the
    weights refuses.

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
    if _are_many(dataset):
        recipes = [*recipes[_PORTFOLIO:], *recipes[:_PORTFOLIO]]
    held = [values for values in recipes if _holds(space, values)]
    if weights is not None:
        held = [values for values in held if not weights.least_refusal(values)]
    return held[: config.trials // _SHARE]


def _are_many(dataset: DatasetRecord | None) -> bool:
    """Whether ratings have so many ids that a dense optimizer would take minutes an epoch."""
    return sum(_rows_of(dataset)) > _MOST_IDS


def _rows_of(dataset: DatasetRecord | None) -> tuple[int, int]:
    """Rows of the tables of users and of movies; 0 where they are not known."""
    profile = dataset.profile if dataset is not None else {}
    users, movies = (int(profile.get(name) or 0) for name in ("user_rows", "movie_rows"))
    return users, movies


def fitted(values: Mapping[str, Scalar], dataset: DatasetRecord | None) -> Mapping[str, Scalar]:
    """Fit a recipe to ratings: its penalty, and its optimizer where they have many ids.

    A penalty on a table is one a rating, divided by the table's users: where there are twice as
    many, it is half. A dense optimizer moves all rows of all tables at each step: with many ids one
    that moves the batch's rows alone takes its place, with the penalty a rating and the smallest
    batch that is offered for so many. Step sizes stay as they are there: with so many steps an
    epoch few epochs are enough, while a rate that falls takes all of them.
    """
    users, movies = _rows_of(dataset)
    if not users:
        return values
    if not _are_many(dataset):
        return dict(values) | {
            name: _rounded(values[name], _USERS / users, _MOST_PENALTY)
            for name in ("l2_embedding", "l2_bias")
            if values.get(name, _NO_PENALTY) != _NO_PENALTY
        }
    changed: dict[str, Scalar] = {"batch_size": batch_sizes(users + movies)[-1]}
    changed["schedule"] = "constant"
    if "l2_embedding" in values:
        paid = values["l2_embedding"] != _NO_PENALTY
        rating = _rounded(values["l2_embedding"], _USERS, _MOST_RATING) if paid else _NO_RATING
        changed |= {"optimizer": "lazy_adam", "l2_rating": rating}
    if "l2_bias" in values:
        changed["l2_bias"] = _NO_PENALTY
    return {n: value for n, value in values.items() if n != "l2_embedding"} | changed


def _rounded(penalty: Scalar, times: float, most: float) -> float:
    """A penalty times a number, at most `most`, to two digits."""
    assert isinstance(penalty, int | float)
    return min(most, float(f"{penalty * times:.1e}"))


def _holds(space: Sequence[Parameter], values: Mapping[str, Scalar]) -> bool:
    """Whether every value of a recipe lies in the space."""
    try:
        check_configurations([values], space)
    except SearchError:
        return False
    return True
