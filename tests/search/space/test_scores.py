"""The space offers what can represent the scores; of the usual scales it is the published one."""

from __future__ import annotations

from dataclasses import asdict

import keras_tuner
import pytest

from models import ModelConfig
from search import SearchError, StudyConfig
from search.space.hypermodel import declare, parameters
from search.space.ratings import read
from search.space.scores import ScoreRange


def _offered(low: float, high: float, **space: object) -> dict[str, tuple[object, ...]]:
    config = StudyConfig(space=space)
    found = parameters(declare(config, ScoreRange(low=low, high=high)))
    return {p.name: p.listed() for p in found if p.name.startswith("output")}


@pytest.mark.parametrize("scale", [(1, 5), (0.5, 5), (0, 5), (1, 10), (0, 10), (0, 100), (2, 4)])
def test_where_the_published_space_fits_it_is_offered_as_it_is(scale: tuple[float, float]) -> None:
    low, high = scale
    published = [asdict(p) for p in parameters(declare(StudyConfig()))]
    known = [asdict(p) for p in parameters(declare(StudyConfig(), ScoreRange(low=low, high=high)))]
    assert known == published
    assert ScoreRange(low=low, high=high).misfit(ModelConfig()) == ""


@pytest.mark.parametrize(
    ("low", "high", "activations", "biases"),
    [
        (-10, 10, ("linear", "scaled_sigmoid"), ("7", "train_mean")),
        (-1, 1, ("linear", "scaled_sigmoid"), ("train_mean",)),
        (0, 1, ("relu", "linear", "scaled_sigmoid"), ("train_mean",)),
        (20, 100, ("relu", "linear", "scaled_sigmoid"), ("train_mean",)),
    ],
)
def test_what_cannot_represent_the_scores_is_not_offered(
    low: float, high: float, activations: tuple[str, ...], biases: tuple[str, ...]
) -> None:
    assert _offered(low, high) == {"output_activation": activations, "output_bias": biases}


@pytest.mark.parametrize(
    ("low", "high", "why"),
    [
        (-10, 10, "its relu output predicts only scores of 0 and more, and these run from -10"),
        (0, 1, "it starts from a score of 7, and these run from 0 to 1"),
        (20, 100, "it starts from a score of 7, and these run from 20 to 100"),
    ],
)
def test_the_baseline_is_said_not_to_fit(low: float, high: float, why: str) -> None:
    assert ScoreRange(low=low, high=high).misfit(ModelConfig()).startswith(why)


def test_a_study_file_that_asks_for_what_cannot_fit_is_refused_in_words() -> None:
    with pytest.raises(SearchError, match=r"got sigmoid.*from 0 to 1, and these run from 1 to 5"):
        _offered(1, 5, output_activation="sigmoid")
    with pytest.raises(SearchError, match=r"got relu.*from -10 to 10. Use linear"):
        _offered(-10, 10, output_activation=["linear", "relu"])
    assert _offered(0, 1, output_activation="sigmoid")["output_bias"] == ("train_mean",)
    assert _offered(0, 1, output_bias=[0.5])["output_bias"] == ("0.5",)


@pytest.mark.parametrize("scores", [None, ScoreRange(low=-10, high=10)])
def test_a_configuration_is_read_as_it_was_declared(scores: ScoreRange | None) -> None:
    hp = keras_tuner.HyperParameters()
    hp.values = {"output_activation": "linear", "output_bias": "train_mean"}
    model, _ = read(hp, {}, scores)
    assert (model.output_activation, model.output_bias) == ("linear", "train_mean")
    assert model.output_start == "score"


def test_before_the_scores_were_known_a_curved_output_had_its_bias_as_it_is() -> None:
    space = {"output_activation": "softplus"}
    before, _ = read(keras_tuner.HyperParameters(), space)
    now, _ = read(keras_tuner.HyperParameters(), space, ScoreRange(low=1, high=5))
    assert (before.output_start, now.output_start) == ("bias", "score")
