from __future__ import annotations

from dataclasses import dataclass, replace

import keras
import numpy as np
import pytest

from models import (
    ACTIVATIONS,
    OUTPUT_ACTIVATIONS,
    ModelConfig,
    ModelsError,
    as_written,
    baseline,
    build_model,
    layer_table,
)
from models.data import Vocabulary


@dataclass(frozen=True)
class Sizes:
    user_rows: int
    movie_rows: int


SMALL = Sizes(user_rows=6, movie_rows=7)


def _vocabulary(users: int, movies: int) -> Vocabulary:
    return Vocabulary(np.arange(users), np.arange(movies))


def _dense(model: keras.Model) -> list[keras.layers.Dense]:
    return [layer for layer in model.layers if isinstance(layer, keras.layers.Dense)]


def test_as_written_drops_two_fifths_before_dense_16() -> None:
    model = build_model(as_written()[0], SMALL)
    rates = [layer.rate for layer in model.layers if isinstance(layer, keras.layers.Dropout)]
    assert rates == [0.6, 0.5, 0.4]
    reads = {row["name"]: row["inputs"] for row in layer_table(model)}
    assert reads["dropout_3"] == ("dense_3",)
    assert reads["dense_4"] == ("dropout_3",)
    assert reads["score"] == ("dense_4",)


def test_the_penalty_is_a_hundredth_of_the_squared_kernels() -> None:
    model = build_model(baseline()[0], SMALL)
    kernels = [layer.kernel.numpy().astype(np.float64) for layer in _dense(model)]
    found = sum(float(loss) for loss in model.losses)
    assert found == pytest.approx(0.01 * sum((kernel**2).sum() for kernel in kernels), rel=1e-5)


def test_an_embedding_penalty_reaches_both_tables() -> None:
    model = build_model(ModelConfig(l2_embedding=0.25), SMALL)
    for name in ("movie_embedding", "user_embedding"):
        assert model.get_layer(name).embeddings_regularizer.l2 == pytest.approx(0.25)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_every_hidden_activation_builds(activation: str) -> None:
    model = build_model(ModelConfig(units=(4,), dropout=(0.5,), activation=activation), SMALL)
    assert _dense(model)[0].activation is keras.activations.get(activation)
    assert _dense(model)[-1].activation is keras.activations.relu


@pytest.mark.parametrize("activation", OUTPUT_ACTIVATIONS)
def test_every_output_activation_builds(activation: str) -> None:
    start = 0.5 if activation == "sigmoid" else 7.0
    config = ModelConfig(
        units=(4,), dropout=(0.0,), output_activation=activation, output_bias=start
    )
    model = build_model(config, SMALL, score_range=(1.0, 5.0))
    known = activation.removeprefix("scaled_")
    assert _dense(model)[-1].activation is keras.activations.get(known)
    assert _dense(model)[0].activation is keras.activations.relu
    assert model.output_shape == (None, 1)


def test_no_hidden_layer_leaves_the_output_on_the_embeddings() -> None:
    model = build_model(ModelConfig(units=(), dropout=(), embedding_size=2), SMALL)
    last = layer_table(model)[-1]
    assert (last["type"], last["parameters"], last["inputs"]) == ("Dense", 5, ("concatenate",))


def test_the_output_bias_can_be_the_mean_of_the_train_part() -> None:
    model = build_model(ModelConfig(output_bias="train_mean"), SMALL, train_mean=3.25)
    assert _dense(model)[-1].bias.numpy().tolist() == [3.25]


def test_the_mean_as_output_bias_must_be_given() -> None:
    with pytest.raises(ModelsError, match=r"`output_bias` \"train_mean\".*got None"):
        build_model(ModelConfig(output_bias="train_mean"), SMALL)


def test_initial_values_follow_the_seed_and_differ_between_layers() -> None:
    config = replace(baseline()[0], units=(30, 30), dropout=(0.0, 0.0))
    sizes = Sizes(user_rows=9, movie_rows=9)
    first, again, other = (build_model(config, sizes, seed=seed) for seed in (1, 1, 2))
    for left, right in zip(first.get_weights(), again.get_weights(), strict=True):
        assert np.array_equal(left, right)
    kernels = [layer.kernel.numpy() for layer in _dense(first)]
    assert not np.array_equal(kernels[0], _dense(other)[0].kernel.numpy())
    assert not np.array_equal(kernels[0], kernels[1])
    tables = [first.get_layer(f"{n}_embedding").embeddings.numpy() for n in ("movie", "user")]
    assert not np.array_equal(*tables)
    assert all(np.abs(table).max() <= 0.05 for table in tables)


@pytest.mark.parametrize("seed", [0, 2**32 - 1, 2**63, 10**30])
def test_any_seed_builds_and_draws_masks(seed: int) -> None:
    model = build_model(ModelConfig(), SMALL, seed=seed)
    code = np.zeros((3, 1), np.int32)
    assert model([code, code], training=True).shape == (3, 1)


def _set(model: keras.Model, **weights: object) -> None:
    """Give layers weights: a list of arrays a layer."""
    for name, values in weights.items():
        model.get_layer(name).set_weights([np.asarray(value, np.float32) for value in values])


def _codes(movie: int, user: int) -> list[np.ndarray]:
    return [np.array([[movie]], np.int32), np.array([[user]], np.int32)]


def test_gmf_is_a_weighted_dot_product_and_two_biases() -> None:
    config = ModelConfig(family="gmf", factors=2, output_activation="linear", output_bias=3.0)
    model = build_model(config, Sizes(user_rows=2, movie_rows=2))
    assert model.get_layer("product_weights").kernel.numpy().tolist() == [[1.0], [1.0]]
    _set(
        model,
        movie_factors=[[[1, 2], [3, 4]]],
        user_factors=[[[5, 6], [0.5, -1]]],
        product_weights=[[[2], [1]], [3]],
        movie_bias=[[[0.25], [0.125]]],
        user_bias=[[[-1], [0.5]]],
    )
    # 2 * 3 * 0.5 + 4 * -1 + 3 + 0.125 + 0.5
    assert float(model(_codes(1, 1))[0, 0]) == pytest.approx(2.625)
    assert model.count_params() == 2 * 2 * 2 + 3 + 2 + 2


def test_neumf_adds_layers_product_and_biases_with_vectors_of_their_own() -> None:
    config = ModelConfig(
        family="neumf",
        embedding_size=3,
        movie_embedding_size=4,
        factors=2,
        units=(5,),
        dropout=(0.5,),
        output_activation="linear",
        output_bias=2.0,
    )
    model = build_model(config, SMALL)
    shapes = {n: model.get_layer(n).embeddings.shape for n in ("movie_embedding", "user_embedding")}
    assert shapes == {"movie_embedding": (7, 4), "user_embedding": (6, 3)}
    assert model.get_layer("movie_factors").embeddings.shape == (7, 2)
    _set(
        model,
        layers=[np.zeros((5, 1)), [2.0]],
        product_weights=[[[1], [1]]],
        movie_factors=[np.full((7, 2), 0.5)],
        user_factors=[np.full((6, 2), 3.0)],
        movie_bias=[np.full((7, 1), 0.25)],
        user_bias=[np.full((6, 1), 0.5)],
    )
    assert float(model(_codes(6, 5))[0, 0]) == pytest.approx(2.0 + 3.0 + 0.75)


@pytest.mark.parametrize("family", ["mlp", "gmf", "neumf"])
def test_a_scaled_sigmoid_starts_at_the_mean_and_stays_within_the_scores(family: str) -> None:
    config = ModelConfig(
        family=family, output_activation="scaled_sigmoid", output_bias="train_mean", units=(4,),
        dropout=(0.0,),
    )  # fmt: skip
    model = build_model(config, SMALL, train_mean=3.5, score_range=(0.5, 5.0))
    tables = [layer for layer in model.layers if isinstance(layer, keras.layers.Embedding)]
    for layer in tables:
        layer.set_weights([np.zeros(layer.embeddings.shape)])
    assert float(model(_codes(0, 0))[0, 0]) == pytest.approx(3.5, abs=1e-5)
    for value, end in ((1e6, 5.0), (-1e6, 0.5)):
        output = next(layer for layer in reversed(model.layers) if layer.weights)
        output.set_weights([np.full(w.shape, value) for w in output.weights])
        if family == "mlp":
            assert float(model(_codes(0, 0))[0, 0]) == pytest.approx(end, abs=1e-5)


def test_a_scaled_sigmoid_keeps_a_start_beyond_its_range_inside() -> None:
    config = ModelConfig(output_activation="scaled_sigmoid", output_bias=7.0, units=(), dropout=())
    model = build_model(config, SMALL, score_range=(0.5, 5.0))
    start = 1 / (1 + np.exp(-float(_dense(model)[-1].bias[0])))
    assert start == pytest.approx(0.99, abs=1e-6)
    with pytest.raises(ModelsError, match=r"needs the least and the greatest score.*got None"):
        build_model(config, SMALL)


@pytest.mark.parametrize(
    ("activation", "start", "bias"),
    # log(0.8 / 0.2), log(exp(2) - 1), the score itself
    [("sigmoid", 0.8, 1.3862944), ("softplus", 2.0, 1.8545865), ("linear", 2.0, 2.0)],
)
def test_a_model_starts_at_its_score_whatever_the_output(
    activation: str, start: float, bias: float
) -> None:
    config = ModelConfig(
        units=(), dropout=(), embedding_size=2, output_activation=activation, output_bias=start
    )
    model = build_model(config, SMALL)
    assert float(_dense(model)[-1].bias[0]) == pytest.approx(bias, abs=1e-6)
    for layer in model.layers:
        if isinstance(layer, keras.layers.Embedding):
            layer.set_weights([np.zeros(layer.embeddings.shape)])
    assert float(model(_codes(0, 0))[0, 0]) == pytest.approx(start, abs=1e-6)
    earlier = build_model(replace(config, output_start="bias"), SMALL)
    assert float(_dense(earlier)[-1].bias[0]) == pytest.approx(start)


def test_a_sigmoid_does_not_start_at_a_score_that_it_cannot_predict() -> None:
    with pytest.raises(ModelsError, match=r"from a score of 0 to 1, but got 7.*scaled_sigmoid"):
        build_model(ModelConfig(output_activation="sigmoid"), SMALL)


def test_the_penalties_of_vectors_and_biases_are_their_own() -> None:
    config = ModelConfig(family="gmf", factors=2, l2_embedding=0.5, l2_bias=0.25)
    model = build_model(config, Sizes(user_rows=2, movie_rows=2))
    _set(
        model,
        movie_factors=[np.full((2, 2), 1.0)],
        user_factors=[np.full((2, 2), 2.0)],
        movie_bias=[np.full((2, 1), 3.0)],
        user_bias=[np.full((2, 1), 1.0)],
    )
    found = sum(float(loss) for loss in model.losses)
    assert found == pytest.approx(0.5 * (4 + 16) + 0.25 * (18 + 2))
