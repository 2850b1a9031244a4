"""A saved network computed with NumPy gives Keras' scores, and leaves to Keras what it cannot."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pandas as pd
import pytest

from models import ModelConfig, build_model, save_keras_model, save_ratings_model
from models.config import ACTIVATIONS, FAMILIES, OUTPUT_ACTIVATIONS
from models.data import Split
from models.prediction.network import SavedNetwork, read_network
from models.prediction.predictor import load_predictor
from models.serving import KerasPredictor, RatingPredictor, load_model

MakeSplit = Callable[..., Split]
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
LAYERS = ModelConfig(
    embedding_size=3, movie_embedding_size=2, embedding_dropout=0.2, units=(5, 4), dropout=(0.1, 0)
)


@pytest.fixture
def split(make_split: MakeSplit) -> Split:
    return make_split()


def _saved(split: Split, config: ModelConfig, folder: Path) -> Path:
    """A model whose weights are far from zero, so that an activation that is wrong shows."""
    model = build_model(config, split.vocabulary, train_mean=3.0, score_range=(1.0, 5.0))
    rng = np.random.default_rng(0)
    model.set_weights([rng.normal(0, 0.7, each.shape) for each in model.get_weights()])
    save_ratings_model(model, split.vocabulary, folder)
    return folder


def _pairs(split: Split) -> pd.DataFrame:
    """Every user with every movie, strangers too."""
    users = [*split.vocabulary.user_ids.tolist(), "stranger"]
    movies = [*split.vocabulary.movie_ids.tolist(), "unseen"]
    rows = [(user, movie) for user in users for movie in movies]
    return pd.DataFrame(rows, columns=["user", "movie"], dtype=object)


CONFIGS = [
    *(replace(LAYERS, activation=name) for name in ACTIVATIONS),
    *(replace(LAYERS, output_activation=name) for name in OUTPUT_ACTIVATIONS),
    *(
        ModelConfig(family=name, factors=3, factor_dropout=0.5, units=(4,), dropout=(0.2,))
        for name in FAMILIES
        if name != "mlp"
    ),
]


@pytest.mark.parametrize(
    "config", CONFIGS, ids=lambda c: f"{c.family}-{c.activation}-{c.output_activation}"
)
def test_the_scores_are_keras_own(config: ModelConfig, split: Split, tmp_path: Path) -> None:
    if config.output_activation in ("sigmoid", "softplus"):
        config = replace(config, output_start="bias")
    folder = _saved(split, config, tmp_path / "model")
    network = read_network(folder / "model.keras")
    assert (network is None) is (config.activation == "gelu")  # which is left to Keras
    pairs = _pairs(split)
    found, expected = (load(folder).predict(pairs) for load in (load_predictor, load_model))
    assert np.ptp(expected) > 0.01
    np.testing.assert_allclose(found, expected, rtol=0, atol=2e-6)


def test_rows_beyond_a_batch_and_no_rows_at_all(split: Split, tmp_path: Path) -> None:
    network = read_network(_saved(split, LAYERS, tmp_path / "model") / "model.keras")
    assert network is not None
    codes = [np.array([[0], [1], [2], [3], [4]]), np.array([[0], [1], [0], [1], [0]])]
    whole, parts = (network.predict(codes, batch_size=size) for size in (10, 2))
    assert whole.shape == (5, 1)
    np.testing.assert_array_equal(parts, whole)
    none = network.predict([each[:0] for each in codes], batch_size=2)
    assert none.shape == (0, 1)


def test_keras_is_not_imported(split: Split, tmp_path: Path) -> None:
    folder = _saved(split, LAYERS, tmp_path / "model")
    code = (
        "import sys\nfrom models.prediction.predictor import load_predictor\n"
        f"load_predictor({str(folder)!r})\nassert 'keras' not in sys.modules\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_layer_that_is_not_known_is_keras_to_compute(split: Split, tmp_path: Path) -> None:
    movie, user = (keras.Input((1,), dtype="int32", name=name) for name in ("movie", "user"))
    tables = [
        keras.layers.Flatten()(keras.layers.Embedding(rows, 2)(code))
        for code, rows in ((movie, split.vocabulary.movie_rows), (user, split.vocabulary.user_rows))
    ]
    model = keras.Model([movie, user], keras.layers.Dot(axes=1)(tables))
    save_ratings_model(model, split.vocabulary, tmp_path / "dot")
    found = load_predictor(tmp_path / "dot")
    assert isinstance(found, RatingPredictor)
    assert not isinstance(found._model, SavedNetwork)
    pairs = _pairs(split)
    np.testing.assert_array_equal(found.predict(pairs), load_model(tmp_path / "dot").predict(pairs))


def test_a_layer_that_is_used_twice_is_keras_to_compute(tmp_path: Path) -> None:
    one = keras.Input((2,))
    shared = keras.layers.Dense(2)
    keras.Model(one, shared(shared(one))).save(tmp_path / "model.keras")
    assert read_network(tmp_path / "model.keras") is None


def test_a_model_of_ones_own_is_loaded_by_keras(tmp_path: Path) -> None:
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, kernel_initializer="ones")])
    save_keras_model(model, tmp_path / "own")
    found = load_predictor(tmp_path / "own")
    assert isinstance(found, KerasPredictor)
    assert found.predict([[1.0, 2.0]]).tolist() == [[3.0]]


@pytest.mark.parametrize("damage", ["model.keras", "users.json", "other ids"])
def test_a_damaged_folder_is_one_line(damage: str, split: Split, tmp_path: Path) -> None:
    folder = _saved(split, LAYERS, tmp_path / "model")
    if damage == "other ids":
        (folder / "users.json").write_text(json.dumps([1, 2]))
    else:
        (folder / damage).write_bytes(b"no such thing")
    with pytest.raises(ValueError, match=r"A model must be a folder as Trialbook saves it, but"):
        load_predictor(folder)
