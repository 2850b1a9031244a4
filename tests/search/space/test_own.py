"""Our space without Keras Tuner is the space that Keras Tuner declares."""

from __future__ import annotations

import subprocess
import sys
from random import Random
from typing import Any

import keras_tuner
import pytest

from search import StudyConfig
from search.space import ratings
from search.space.hypermodel import declare, parameters
from search.space.listing import Listing
from search.space.own import declare_own, read_own
from search.space.parameters import Parameter
from search.space.scores import ScoreRange

SPACES: tuple[dict[str, Any], ...] = (
    {},
    {"family": "gmf"},
    {"family": "neumf", "sizes": "separate", "optimizer": "lazy_adam"},
    {"family": ["gmf", "neumf"], "optimizer": ["adam", "sgd"], "schedule": ["constant", "cosine"]},
    {"layers": 2, "units_1": [64, 128], "units_2": 16, "dropout_1": 0.5},
    {"layers": [2, 6], "units_6": {"min": 4, "max": 32, "step": 4}},
    {"layers": {"min": 1, "max": 12}, "dropout_12": {"max": 0.3}},
    {"layers": 64, "activation": ["relu", "elu"]},
    {"embedding_size": {"min": 8, "max": 30, "step": 8}},
    {"units_1": {"min": 4, "max": 100, "step": 2, "log": True}, "factors": {"log": False}},
    {"learning_rate": {"min": 0.01, "max": 0.035, "step": 0.01}, "embedding_rate": 1},
    {"learning_rate": [0.001, 0.01], "l2_kernel": 0, "l2_bias": {"min": 0, "max": 0.1}},
    {"learning_rate": {"min": 1e-4, "max": 1e-1, "step": 10, "log": True}},
    {"dropout_1": {"min": 0.1, "max": 0.45, "step": 0.1}, "embedding_dropout": [0.0, 0.3]},
    {"batch_size": ["full", 256, 1000], "patience": 5, "min_delta": [0.001, 0.1]},
    {"batch_size": 512, "patience": {"min": 3, "max": 30}, "overfit_patience": {"max": 9}},
    {"output_activation": ["linear", "scaled_sigmoid"], "output_bias": [7, 3.5, "train_mean"]},
    {"output_activation": "scaled_sigmoid", "factor_dropout": {"min": 0.5, "max": 0.5}},
    {"l2_rating": {"min": 1e-3, "max": 0.3, "log": True}, "l2_embedding": 1e-9},
)

SCALES = (
    None,
    ScoreRange(low=0, high=1),
    ScoreRange(low=1, high=5),
    ScoreRange(low=1, high=10),
    ScoreRange(low=-10, high=10),
    ScoreRange(low=0, high=100, mean=50),
)


def _read_by_keras_tuner(
    values: dict[str, Any], config: StudyConfig, scores: ScoreRange | None = None, ids: int = 0
) -> tuple[Any, dict[str, Any]]:
    hp = keras_tuner.HyperParameters()
    hp.values = dict(values)
    return ratings.read(hp, config.space, scores, ids), hp.values


def _drawn(space: tuple[Parameter, ...], random: Random) -> dict[str, Any]:
    """A configuration drawn at random, some of whose values may be left out."""
    values: dict[str, Any] = {}
    for parameter in space:
        if not parameter.is_active(values):
            continue
        if parameter.kind == "Float" and parameter.step is None:
            values[parameter.name] = random.uniform(parameter.low, parameter.high)
        else:
            values[parameter.name] = random.choice(parameter.every_value())
    left_out = random.choice((0.0, 0.0, 0.2))
    return {name: value for name, value in values.items() if random.random() >= left_out}


@pytest.mark.parametrize("ids", [0, 700, 200_000])
@pytest.mark.parametrize("scores", SCALES, ids=str)
@pytest.mark.parametrize("space", SPACES, ids=str)
def test_the_parameters_listed_are_those_that_keras_tuner_declares(
    space: dict[str, Any], scores: ScoreRange | None, ids: int
) -> None:
    config = StudyConfig(space=space)
    hp, listing = declare(config, scores, ids), declare_own(config, scores, ids)
    assert listing.parameters == parameters(hp)
    assert repr(listing.parameters) == repr(parameters(hp))  # 1 is not 1.0
    assert list(listing.values.items()) == list(hp.values.items())


@pytest.mark.parametrize("scores", [None, ScoreRange(low=-10, high=10)], ids=str)
@pytest.mark.parametrize("space", SPACES, ids=str)
def test_a_configuration_is_read_as_through_keras_tuner(
    space: dict[str, Any], scores: ScoreRange | None
) -> None:
    config, random = StudyConfig(space=space), Random(str(space))
    listed = declare_own(config, scores, 700).parameters
    for _ in range(20):
        values = _drawn(listed, random)
        given = dict(values)
        wanted, active = _read_by_keras_tuner(values, config, scores, 700)
        assert read_own(values, config.space, scores, 700) == wanted
        listing = Listing(values)
        ratings.read(listing, config.space, scores, 700)
        assert list(listing.values.items()) == list(active.items())
        assert values == given


def test_values_that_do_not_belong_there_are_read_as_through_keras_tuner() -> None:
    config, random = StudyConfig(), Random(1)
    space = declare_own(config).parameters
    for _ in range(60):
        values = {**_drawn(space, random), **_drawn(space, random)}  # inactive ones too
        wanted, active = _read_by_keras_tuner(values, config)
        assert read_own(values) == wanted
        listing = Listing(values)
        ratings.read(listing)
        assert listing.values == active


@pytest.mark.parametrize("scores", [None, ScoreRange(low=-10, high=10)], ids=str)
@pytest.mark.parametrize(
    "space",
    [
        {"embeding_size": 3},
        {"embedding_size": {"least": 3}},
        {"embedding_size": {"min": 9, "max": 3}},
        {"embedding_size": []},
        {"activation": {"min": 1}},
        {"activation": ["relu", 3]},
        {"learning_rate": {"min": 0, "max": 1, "log": True}},
        {"embedding_size": {"log": True, "step": 1}},
        {"units_5": 8},
        {"batch_size": "half"},
        {"sizes": "other"},
        {"output_bias": "mean"},
        {"output_activation": ["sigmoid", "loud"]},
    ],
    ids=str,
)
def test_a_mistake_is_told_in_the_same_words(
    space: dict[str, Any], scores: ScoreRange | None
) -> None:
    config = StudyConfig(space=space)
    with pytest.raises(ValueError) as wanted:
        declare(config, scores)
    for mistaken in (lambda: declare_own(config, scores), lambda: read_own({}, space, scores)):
        with pytest.raises(type(wanted.value)) as found:
            mistaken()
        assert str(found.value) == str(wanted.value)


@pytest.mark.parametrize("model", ["baseline", "as-written"])
def test_a_preset_searches_nothing(model: str) -> None:
    listing = declare_own(StudyConfig(model=model))
    assert (listing.parameters, listing.values) == ((), {})


def test_a_users_own_model_is_refused() -> None:
    with pytest.raises(ValueError, match="`shapes:model`"):
        declare_own(StudyConfig(model="shapes:model"))


def test_the_baseline_is_what_keras_tuner_has_as_its_defaults_but_for_when_it_stops() -> None:
    stops = {"patience": 30, "min_delta": 0.001, "overfit_patience": 0}
    assert ratings.baseline_values() == declare(StudyConfig()).values | stops


def test_our_space_loads_neither_keras_tuner_nor_what_it_needs() -> None:
    code = """
import sys
from search.config import goals, limits, options, parts, sections, study, toml
from search.space import configurations, distributions, ratings, recipes, weights
from search.space.listing import Listing
from search.space.own import declare_own, read_own
listing = declare_own(study.StudyConfig())
read_own(listing.values)
ratings.baseline_values()
print(sorted({"keras_tuner", "keras", "tensorflow"} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stderr
