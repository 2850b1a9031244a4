"""Initial weights are those of Keras' initializers, to the last bit."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from quickly import cases

from models import ModelConfig, ModelsError, build_model
from models.compiled.fit import start_of
from models.compiled.initial import initial_weights, layer_seeds
from models.compiled.origin import Origin, origin_of
from models.compiled.philox import uniform
from models.config import OUTPUT_ACTIVATIONS

SEEDS = (0, 1, 42, 2**31 - 2, 2**31 - 1, 2**32 - 1, 2**32 + 7, 10**12)


class _Sizes:
    def __init__(self, users: int, movies: int) -> None:
        self.user_rows, self.movie_rows = users, movies


def _drawn(rng: np.random.Generator, family: str) -> tuple[ModelConfig, _Sizes]:
    """A random network of a family, and its tables' rows."""
    depth = int(rng.integers(0, 4))
    rates = [float(rate) for rate in rng.choice([0.0, 0.25, 0.6], depth)]
    config = ModelConfig(
        family=family,
        embedding_size=int(rng.integers(1, 40)),
        movie_embedding_size=[None, int(rng.integers(1, 40))][rng.integers(2)],
        factors=[None, int(rng.integers(1, 40))][rng.integers(2)],
        units=tuple(int(width) for width in rng.integers(1, 70, depth)),
        dropout=tuple(rates),
        embedding_dropout=float(rng.choice([0.0, 0.3])),
        factor_dropout=float(rng.choice([0.0, 0.3])),
        output_activation=str(rng.choice(OUTPUT_ACTIVATIONS)),
        output_bias=["train_mean", 0.625][rng.integers(2)],
        output_start=str(rng.choice(["score", "bias"])),
    )
    return config, _Sizes(*(int(rows) for rows in rng.integers(1, 400, 2)))


def _assert_same(config: ModelConfig, sizes: _Sizes, seed: int) -> None:
    facts = {"train_mean": 0.7, "score_range": (0.5, 5.0)}
    keras.backend.clear_session()
    model = build_model(config, sizes, seed=seed, **facts)  # type: ignore[arg-type]
    origin = origin_of(model)
    assert isinstance(origin, Origin)
    theirs, ours = start_of(model, origin), initial_weights(origin, train_mean=0.7, seed=seed)
    assert ours.dtype == np.float32
    assert np.array_equal(ours.view(np.uint32), theirs.view(np.uint32)), (config, seed)


@pytest.mark.parametrize("family", cases(["gmf"], ["mlp", "neumf"]))
def test_weights_are_those_of_the_built_model(family: str) -> None:
    rng = np.random.default_rng(7)
    for seed in SEEDS:
        _assert_same(*_drawn(rng, family), seed)


def test_so_are_large_tables() -> None:
    config = ModelConfig(embedding_size=33, movie_embedding_size=7, units=(301,), dropout=(0.5,))
    _assert_same(config, _Sizes(50_000, 30_001), 42)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("shape", [(1, 1), (3, 5), (2, 4), (4097, 3)])
def test_numbers_are_those_of_keras(seed: int, shape: tuple[int, int]) -> None:
    theirs = np.asarray(keras.random.uniform(shape, -0.3, 0.7, seed=seed))
    assert np.array_equal(uniform(shape, seed, -0.3, 0.7).view(np.uint32), theirs.view(np.uint32))


def test_seeds_follow_the_layers_that_take_one() -> None:
    """Dropout behind a layer takes a seed at any rate, the others' only where they are."""
    config = ModelConfig(units=(4, 2), dropout=(0.0, 0.5), embedding_dropout=0.1, family="neumf")
    assert layer_seeds(config, 3) == {
        "movie_embedding": 3000, "user_embedding": 3001, "embedding_dropout": 3002,
        "dense_1": 3003, "dropout_1": 3004, "dense_2": 3005, "dropout_2": 3006, "layers": 3007,
        "movie_factors": 3008, "user_factors": 3009,
    }  # fmt: skip


def test_what_the_output_needs_is_asked_for() -> None:
    mean = ModelConfig(output_bias="train_mean")
    scaled = ModelConfig(output_activation="scaled_sigmoid")
    with pytest.raises(ModelsError, match="Pass `train_mean`"):
        initial_weights(Origin(mean, 2, 2, None), train_mean=None, seed=1)
    with pytest.raises(ModelsError, match="Pass `score_range`"):
        initial_weights(Origin(scaled, 2, 2, None), train_mean=None, seed=1)
