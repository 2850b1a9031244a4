"""What a limit on the weights refuses, before anything is built."""

from __future__ import annotations

from typing import Any

import keras_tuner
import numpy as np
import optuna
import pytest

from models import build_model
from models.data import Vocabulary
from search import SearchError, StudyConfig
from search.space.distributions import SpaceAdapter
from search.space.hypermodel import declare, parameters
from search.space.ratings import read
from search.space.weights import Weights, weights_of
from tracking import DatasetRecord

VOCABULARY = Vocabulary(np.arange(20), np.arange(30))
PROFILE = {"user_rows": VOCABULARY.user_rows, "movie_rows": VOCABULARY.movie_rows}
RATINGS = DatasetRecord(name="r", content_hash="0" * 64, profile=PROFILE)


def _weights(limit: int = 10**9, **space: Any) -> Weights:
    config = StudyConfig(space=space, max_parameters=limit)
    found = weights_of(config, parameters(declare(config)), RATINGS)
    assert found is not None
    return found


def test_any_point_of_the_space_has_the_weights_of_its_model() -> None:
    weights = _weights()
    adapter = SpaceAdapter(weights.space)
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=1))
    families = set()
    for _ in range(12):
        values = adapter.sample(study.ask())
        hp = keras_tuner.HyperParameters()
        hp.values = dict(values)
        config, _ = read(hp)
        model = build_model(config, VOCABULARY, train_mean=3.5, score_range=(0.5, 5.0))
        assert weights.count(values) == model.count_params(), values
        families.add(config.family)
    assert families == {"mlp", "gmf", "neumf"}


def test_the_smallest_model_of_a_space_is_what_must_be_within_the_limit() -> None:
    """Of 52 rows: gmf has 2 factors and a bias a row, 2 weights of the product and a bias."""
    smallest = 52 * 3 + 3
    assert _weights(smallest, family="gmf").least_refusal({}) == ""
    with pytest.raises(SearchError, match=r"smallest model of this space has 159 parameters, wher"):
        _weights(smallest - 1, family="gmf")
    # mlp: 2 numbers a row, one layer of 8 units, so (4 + 1) * 8 weights and 9 of the output.
    assert _weights(52 * 2 + 49).least_refusal({}) == ""
    assert _weights(52 * 2 + 49).least_refusal({"family": "gmf"}) != ""
    assert _weights(400, family="gmf").least_refusal({"family": "gmf", "factors": 7}) != ""


def test_memory_is_counted_at_sixteen_bytes_a_weight() -> None:
    config = StudyConfig(space={"family": "gmf", "factors": [10, 1000]}, max_memory_mb=0.5)
    weights = weights_of(config, parameters(declare(config)), RATINGS)
    assert weights is not None
    values = {"family": "gmf", "factors": 1000}
    assert weights.count(values) == 52 * 1001 + 1001
    assert "at least 1 MB for its weights, where 0.5 MB may be" in weights.refusal(values)
    assert weights.refusal(values | {"factors": 10}) == ""


def test_where_no_limit_is_set_nothing_is_counted() -> None:
    config = StudyConfig()
    assert weights_of(config, parameters(declare(config)), RATINGS) is None
    own = StudyConfig(model="m:M", objective="val_loss:min", max_parameters=3)
    assert weights_of(own, (), None) is None
