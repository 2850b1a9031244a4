"""The space offers what can represent the scores; of the usual scales it is the published one."""

from __future__ import annotations

from dataclasses import asdict

import keras_tuner
import numpy as np
import pytest

from models import ModelConfig
from models.data import Split
from models.data.split import Part
from models.data.vocabulary import Vocabulary
from search import SearchError, StudyConfig
from search.space.hypermodel import declare, parameters
from search.space.ratings import read
from search.space.scores import ScoreRange


def _offered(low: float, high: float, **space: object) -> dict[str, tuple[object, ...]]:
    config = StudyConfig(space=space)
    found = parameters(declare(config, ScoreRange(low=low, high=high)))
    return {p.name: p.listed() for p in found if p.name.startswith("output")}


@pytest.mark.parametrize(
    ("scale", "table", "rating"),
    [
        ((1, 5), 1e-3, 0.3),
        ((0.5, 5), 1e-3, 0.3),
        ((2, 4), 1e-3, 0.3),
        ((0, 5), 1.2e-3, 0.37),  # the square of 5 / 4.5
        ((1, 10), 4e-3, 1.2),
        ((0, 10), 4.9e-3, 1.5),
        ((0, 100), 0.49, 150.0),
    ],
)
def test_where_the_published_space_fits_it_is_offered_but_for_the_greatest_penalties(
    scale: tuple[float, float], table: float, rating: float
) -> None:
    low, high = scale
    published = [asdict(p) for p in parameters(declare(StudyConfig()))]
    known = [asdict(p) for p in parameters(declare(StudyConfig(), ScoreRange(low=low, high=high)))]
    most = {"l2_embedding": table, "l2_bias": table, "l2_rating": rating}
    for each in published:
        each["high"] = most.get(each["name"], each["high"])
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


@pytest.mark.parametrize(
    ("low", "high", "mean", "fits"),
    [
        (0, 100, 50, False),  # 43 from the mean, where a quarter of the width is 25
        (0, 100, 32, True),  # 25
        (0, 100, 32.1, False),
        (-10, 10, 1, False),  # 6 where a quarter is 5
        (-10, 10, 3, True),
        (0.5, 5, 3.5, True),
        (1, 5, 1.1, True),
        (1, 10, 1.5, True),
        (0, 10, 0.5, True),
    ],
)
def test_a_wide_scale_must_start_near_its_mean(
    low: float, high: float, mean: float, fits: bool
) -> None:
    scores = ScoreRange(low=low, high=high, mean=mean)
    assert scores.is_near(7) == fits
    found = parameters(declare(StudyConfig(), scores))
    [biases] = [p.listed() for p in found if p.name == "output_bias"]
    assert biases == (("7", "train_mean") if fits else ("train_mean",))
    if low >= 0:
        words = f"it starts from a score of 7, and these run from 0 to 100 with a mean of {mean:g}"
        assert scores.misfit(ModelConfig()) == ("" if fits else words)


def test_the_mean_is_that_of_the_train_part_and_by_the_rules_1_does_not_count() -> None:
    scores = np.array([0, 30, 90], np.float32)
    codes = np.zeros(3, np.int32)
    part = Part(codes, codes, scores, np.arange(3))
    other = Part(codes[:1], codes[:1], np.array([100], np.float32), np.arange(1))
    split = Split("random", 1, part, other, other, Vocabulary(codes[:1], codes[:1]), 0, {}, ())
    assert ScoreRange.of(split) == ScoreRange(low=0, high=90, mean=40)
    assert ScoreRange.of(split, rules=1) == ScoreRange(low=0, high=90)


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
