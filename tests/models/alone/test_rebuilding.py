"""A Keras model is made of the files of a network that was trained without Keras."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from models import (
    ModelConfig,
    ModelsError,
    TrainConfig,
    build_for,
    format_layer_table,
    predict,
    save_ratings_model,
    serving,
)
from models.alone import Alone, Recipe, refit_alone, train_alone, write_weights
from models.alone.files import read_weights
from models.alone.rebuilding import rebuild, save_kept
from models.config import FAMILIES, OUTPUT_ACTIVATIONS
from models.data import Split, Vocabulary

MakeSplit = Callable[..., Split]
# Keras 3.15 reads TensorFlow's variables in a way that NumPy 2 deprecates.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
MODEL = ModelConfig(embedding_size=5, units=(7, 3), dropout=(0.3, 0.0), factors=4)
TRAIN = TrainConfig(epochs=4, learning_rate=0.05)


@pytest.fixture
def split(make_split: MakeSplit) -> Split:
    return make_split()


def _alone(split: Split, config: ModelConfig = MODEL) -> Alone:
    return train_alone(split, Recipe(model=config, train=TRAIN, seed=3), threads=1)


@pytest.mark.parametrize("output", OUTPUT_ACTIVATIONS)
@pytest.mark.parametrize("family", FAMILIES)
def test_a_rebuilt_model_predicts_what_the_network_does(
    split: Split, family: str, output: str
) -> None:
    config = replace(MODEL, family=family, output_activation=output, output_bias=0.75)
    alone = _alone(split, config)
    model = rebuild(alone)
    found, wanted = predict(model, split.valid), alone.predict(split.valid, threads=1)
    assert np.ptp(wanted) > 0
    np.testing.assert_allclose(found, wanted, rtol=0, atol=2e-5)


@pytest.mark.parametrize("text_ids", [False, True])
def test_the_folder_is_as_that_of_a_model_trained_with_keras(
    split: Split, tmp_path: Path, text_ids: bool
) -> None:
    if text_ids:
        users = np.array([f"user é {number}" for number in range(5)], object)
        split = replace(split, vocabulary=Vocabulary(users, split.vocabulary.movie_ids))
    alone, folder = _alone(split), tmp_path / "trial"
    write_weights(folder / "model_2", alone, split)
    model = save_kept(folder, "model_2")
    stock = build_for(split, MODEL, seed=3)
    save_ratings_model(stock, split.vocabulary, tmp_path / "stock")
    for name in ("manifest.json", "users.json", "movies.json"):
        assert (folder / "model_2" / name).read_text() == (tmp_path / "stock" / name).read_text()
    names = {path.name for path in (folder / "model_2").iterdir()}
    assert names == {path.name for path in (tmp_path / "stock").iterdir()}
    assert (folder / "layers.txt").read_text() == format_layer_table(stock) + "\n"
    assert model.get_config() == stock.get_config()
    known, part = split.vocabulary, split.valid
    table = pd.DataFrame(
        {"movie": known.movie_ids[part.movies], "user": known.user_ids[part.users]}
    )
    found = serving.load_model(folder / "model_2").predict(table)
    np.testing.assert_allclose(found, alone.predict(part, threads=1), rtol=0, atol=1e-5)


def test_what_was_written_is_read_again(split: Split, tmp_path: Path) -> None:
    """In plain files, with the bits of the weights and the first 1,000 rows at most."""
    few = replace(split, valid=_repeated(split, 1_500))
    alone = _alone(few, replace(MODEL, output_bias="train_mean"))
    write_weights(tmp_path, alone, few)
    kept = read_weights(tmp_path)
    network = kept.network
    assert network.origin == alone.origin
    mean = float(split.train.scores.mean(dtype="float64"))
    assert (network.train_mean, network.seed) == (mean, 3)
    assert np.array_equal(network.weights, alone.weights)
    assert kept.movies.tolist() == few.valid.movies[:1_000].tolist()
    assert kept.users.tolist() == few.valid.users[:1_000].tolist()
    assert np.array_equal(kept.predictions, alone.predict(few.valid, threads=1)[:1_000])


def _repeated(split: Split, rows: int):  # type: ignore[no-untyped-def]
    valid = split.valid
    columns = (valid.users, valid.movies, valid.scores, valid.rows)
    return type(valid)(*(np.resize(column, rows) for column in columns))


def test_a_model_that_predicts_other_scores_is_refused_and_its_files_stay(
    split: Split, tmp_path: Path
) -> None:
    """Scores run from 1 to 5, so that predictions may differ by 4e-4."""
    alone = _alone(split)
    folder = tmp_path / "model"
    for moved, refused in ((2e-4, False), (1e-3, True)):
        write_weights(folder, alone, split)
        with np.load(folder / "weights.npz") as arrays:
            changed = dict(arrays)
        changed["predictions"][7] += moved
        np.savez(folder / "weights.npz", **changed)
        if refused:
            with pytest.raises(ModelsError, match="but 1 of 40 predictions differ: "):
                save_kept(tmp_path)
        else:
            save_kept(tmp_path)
    assert (folder / "network.json").exists()
    assert (folder / "weights.npz").exists()


def test_weights_of_another_network_are_refused(split: Split) -> None:
    network = refit_alone(split, Recipe(model=MODEL, train=TRAIN, seed=3), 1, threads=1)
    with pytest.raises(ModelsError, match=r"needs an array of [\d,]+ weights, but got"):
        rebuild(replace(network, weights=network.weights[1:]))


@pytest.mark.parametrize("spoil", ["gone", "cut", "lacking"])
def test_files_that_cannot_be_read_are_told(split: Split, tmp_path: Path, spoil: str) -> None:
    if spoil != "gone":
        write_weights(tmp_path, _alone(split), split)
    if spoil == "cut":
        (tmp_path / "weights.npz").write_bytes((tmp_path / "weights.npz").read_bytes()[:200])
    if spoil == "lacking":
        told = json.loads((tmp_path / "network.json").read_text())
        del told["origin"]["config"]
        (tmp_path / "network.json").write_text(json.dumps(told))
    with pytest.raises(ModelsError, match="but it cannot be read"):
        read_weights(tmp_path)
