"""Recipes: configurations that a new study tries early, fitted to its ratings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from search.config.options import SAMPLERS
from search.config.shipped import SHIPPED
from search.config.study import StudyConfig
from search.errors import SearchError
from search.space.batches import batch_sizes
from search.space.configurations import check_configurations, read_configurations
from search.space.parameters import Parameter
from search.space.scores import (
    FITTED,
    MOST_PENALTY,
    MOST_RATING,
    ScoreRange,
    greatest_scale,
    rounded,
)
from search.space.weights import Weights
from tracking import DatasetRecord, Scalar

RECIPES = SHIPPED / "recipes.toml"
_SHARE = 4
_PORTFOLIO, _BIASES = 6, 2  # recipes that were chosen, and which of them is biases alone
_MOST_IDS = 16_384
_USERS = 672  # rows of the sample's table of users: what a recipe's penalties are meant for
_NO_PENALTY, _NO_RATING = 1e-9, 1e-4  # the space's least values, which stand for none


def recipes_for(
    config: StudyConfig,
    space: Sequence[Parameter],
    weights: Weights | None = None,
    dataset: DatasetRecord | None = None,
) -> Sequence[Mapping[str, Scalar]]:
    """List the recipes that a new study tries: at most one for every four of its trials.

    The portfolio was chosen on ratings of few ids: where they are many, one published recipe a
    family comes first, and biases alone are not tried. None where the sampler looks at no other
    trial, where an earlier study says more, or where the study says so; and none that the study's
    space does not hold, or that a limit on the weights refuses.

    Args:
        config: The study.
        space: Its space.
        weights: Counts the weights of configurations, where the study limits them.
        dataset: Its ratings, which recipes are fitted to; None for those of the sample.
    """
    wanted = config.recipes and config.model == "ratings" and config.warm_start is None
    if not wanted or not SAMPLERS[config.sampler].looks:
        return []
    recipes = read_configurations(RECIPES)
    if _are_many(dataset):
        chosen = [*recipes[:_BIASES], *recipes[_BIASES + 1 : _PORTFOLIO]]
        recipes = [*recipes[_PORTFOLIO:], *chosen]
    placed = (_placed(values, space, dataset) for values in recipes)
    held = [values for values in placed if values is not None]
    if weights is not None:
        held = [values for values in held if not weights.least_refusal(values)]
    return held[: config.trials // _SHARE]


def _placed(
    values: Mapping[str, Scalar], space: Sequence[Parameter], dataset: DatasetRecord | None
) -> Mapping[str, Scalar] | None:
    """Fit a recipe to the ratings and to the space's greatest penalties; None where it is not held.

    Its output stays linear where the space has no other.
    """
    greatest = {each.name: each.high for each in space if each.name in FITTED}
    for converts in (True, False):
        own = fitted(values, dataset, converts=converts)
        lower = {
            name: min(value, most)
            for name, value in own.items()
            if isinstance(value, float) and (most := greatest.get(name)) is not None
        }
        if _holds(space, own := dict(own) | lower):
            return own
    return None


def _are_many(dataset: DatasetRecord | None) -> bool:
    """Whether ratings have so many ids that a dense optimizer would take minutes an epoch."""
    return sum(_rows_of(dataset)) > _MOST_IDS


def _rows_of(dataset: DatasetRecord | None) -> tuple[int, int]:
    """Rows of the tables of users and of movies; 0 where they are not known."""
    profile = dataset.profile if dataset is not None else {}
    users, movies = (int(profile.get(name) or 0) for name in ("user_rows", "movie_rows"))
    return users, movies


def fitted(
    values: Mapping[str, Scalar], dataset: DatasetRecord | None, *, converts: bool = True
) -> Mapping[str, Scalar]:
    """Fit a recipe to ratings: its penalties, and its optimizer where they have many ids.

    A penalty on a table is one a rating, divided by the table's users: where there are twice as
    many, it is half. Before a scaled sigmoid it grows by the square of the scores' width, as the
    squared error does. Where that is more than 10, a linear output becomes a scaled sigmoid, unless
    `converts` is false: steps of a fixed size take long to cross the range. A dense optimizer moves
    all rows of all tables at each step: with many ids one that moves the batch's rows alone takes
    its place, with the penalty a rating and the smallest batch that is offered for so many. Step
    sizes stay as they are there: with so many steps an epoch few epochs are enough, while a rate
    that falls takes all of them.
    """
    users, movies = _rows_of(dataset)
    if not users:
        return values
    scores = _scores_of(dataset)
    linear = values["output_activation"] == "linear"
    if converts and linear and scores is not None and scores.is_wide:
        kept = {name: value for name, value in values.items() if name != "output_bias"}
        values = kept | {"output_activation": "scaled_sigmoid"}
    times, most = 1.0, greatest_scale(scores)
    if scores is not None and values["output_activation"] == "scaled_sigmoid":
        times = scores.penalty_scale
    if not _are_many(dataset):
        return dict(values) | {
            name: _between(_NO_PENALTY, paid * times * _USERS / users, MOST_PENALTY * most)
            for name in ("l2_embedding", "l2_bias")
            if (paid := _paid(values, name))
        }
    changed: dict[str, Scalar] = {"batch_size": batch_sizes(users + movies)[-1]}
    changed["schedule"] = "constant"
    if "l2_embedding" in values:
        rating = _paid(values, "l2_embedding") * times * _USERS
        rating = _between(_NO_RATING, rating, MOST_RATING * most)
        changed |= {"optimizer": "lazy_adam", "l2_rating": rating}
    if "l2_bias" in values:
        changed["l2_bias"] = _NO_PENALTY
    return {n: value for n, value in values.items() if n != "l2_embedding"} | changed


def _between(least: float, penalty: float, most: float) -> float:
    """A penalty to two digits, no less and no more than the space has."""
    return min(rounded(most), max(least, rounded(penalty)))


def _paid(values: Mapping[str, Scalar], name: str) -> float:
    """A penalty; 0 where it has none."""
    penalty = values.get(name, _NO_PENALTY)
    assert isinstance(penalty, int | float)
    return 0.0 if penalty == _NO_PENALTY else float(penalty)


def _scores_of(dataset: DatasetRecord | None) -> ScoreRange | None:
    """The range of the scores; None where it is not known."""
    profile = dataset.profile if dataset is not None else {}
    low, high = profile.get("score_low"), profile.get("score_high")
    if not isinstance(low, int | float) or not isinstance(high, int | float):
        return None
    return ScoreRange(low=float(low), high=float(high))


def _holds(space: Sequence[Parameter], values: Mapping[str, Scalar]) -> bool:
    """Whether every value of a recipe lies in the space."""
    try:
        check_configurations([values], space)
    except SearchError:
        return False
    return True
