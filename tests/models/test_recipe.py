"""The published trial, held to the truth: its layers, its arithmetic, its stopping, its curve."""

from __future__ import annotations

from dataclasses import dataclass, replace

import keras
import numpy as np
import pytest
from quickly import cases

from models import (
    ModelConfig,
    TrainConfig,
    as_written,
    baseline,
    build_model,
    compile_model,
    layer_table,
    make_deterministic,
    predict,
    published_curve,
    train,
)
from models.data import Part, Split, Vocabulary, load_ratings, split_ratings


@dataclass(frozen=True)
class Size:
    user_rows: int
    movie_rows: int


# Type, output shape, parameters, and the numbers of the layers it reads, as published.
PUBLISHED_LAYERS = [
    ("InputLayer", (None, 1), 0, ()),
    ("InputLayer", (None, 1), 0, ()),
    ("Embedding", (None, 1, 15), 24_735, (0,)),
    ("Embedding", (None, 1, 15), 35_865, (1,)),
    ("Flatten", (None, 15), 0, (2,)),
    ("Flatten", (None, 15), 0, (3,)),
    ("Concatenate", (None, 30), 0, (4, 5)),
    ("Dense", (None, 128), 3_968, (6,)),
    ("Dropout", (None, 128), 0, (7,)),
    ("Dense", (None, 64), 8_256, (8,)),
    ("Dropout", (None, 64), 0, (9,)),
    ("Dense", (None, 32), 2_080, (10,)),
    ("Dense", (None, 1), 33, (11,)),
]


def _table(model: keras.Model) -> list[tuple]:
    rows = layer_table(model)
    number = {row["name"]: i for i, row in enumerate(rows)}
    return [
        (r["type"], r["shape"], r["parameters"], tuple(number[n] for n in r["inputs"]))
        for r in rows
    ]


def _built(config: ModelConfig, users: int = 2_390, movies: int = 1_648) -> keras.Model:
    return build_model(config, Size(users + 1, movies + 1))


def test_the_layer_table_is_the_published_one() -> None:
    model = _built(baseline()[0])
    assert _table(model) == PUBLISHED_LAYERS
    assert model.count_params() == 74_937
    movie, user = model.inputs
    assert (movie.name, user.name) == ("movie", "user")
    assert model.get_layer("movie_embedding").input_dim == 1_649


def test_the_published_vocabulary_has_the_published_parameters() -> None:
    assert _built(baseline()[0], 64_815, 89_418).count_params() == 2_327_862


def test_the_recipe_is_the_published_one() -> None:
    model_config, train_config = baseline()
    model = _built(model_config)
    dense = [layer for layer in model.layers if isinstance(layer, keras.layers.Dense)]
    assert [d.activation.__name__ for d in dense] == ["relu"] * 4
    assert [float(d.kernel_regularizer.l2) for d in dense] == pytest.approx([0.01] * 4)
    assert all(d.bias_regularizer is None for d in dense)
    tables = [layer for layer in model.layers if isinstance(layer, keras.layers.Embedding)]
    assert all(t.embeddings_regularizer is None for t in tables)
    assert dense[-1].bias.numpy().tolist() == [7.0]
    rates = [layer.rate for layer in model.layers if isinstance(layer, keras.layers.Dropout)]
    assert rates == [0.6, 0.5]
    compile_model(model, train_config)
    assert isinstance(model.optimizer, keras.optimizers.Adam)
    assert float(model.optimizer.learning_rate) == pytest.approx(0.01)
    assert train_config.batch_size == "full"
    assert (train_config.epochs, train_config.patience, train_config.min_delta) == (100, 30, 1e-3)


def test_as_written_wires_dense_16_and_the_third_dropout() -> None:
    rows = _table(_built(as_written()[0]))
    kinds = [(kind, shape[-1]) for kind, shape, _, _ in rows[11:]]
    assert kinds == [("Dense", 32), ("Dropout", 32), ("Dense", 16), ("Dense", 1)]
    assert rows[-1][2] == 17


# ---- an independent reference, written from the formulas, dropout off -----------------------


def _reference_step(w: dict, state: dict, data: tuple, step: int) -> tuple[float, float]:
    """One full-batch Adam step in float64; returns the loss and the RMSE before it.

    Loss: mean((y - t)^2) + 0.01 * sum of squares of every kernel. Adam: Kingma and Ba 2015,
    algorithm 1, in Keras' form: the epsilon stands outside the bias correction.
    """
    movies, users, target = data
    n = len(target)
    x = np.concatenate([w["movie"][movies], w["user"][users]], axis=1)
    inputs, sums = [x], []
    for k in range(4):
        sums.append(inputs[-1] @ w[f"k{k}"] + w[f"b{k}"])
        inputs.append(np.maximum(sums[-1], 0))
    error = inputs[-1][:, 0] - target
    loss = np.mean(error**2) + 0.01 * sum(np.sum(w[f"k{k}"] ** 2) for k in range(4))
    flow = (2 * error / n)[:, None]
    grads = {}
    for k in reversed(range(4)):
        flow = flow * (sums[k] > 0)
        grads[f"k{k}"] = inputs[k].T @ flow + 2 * 0.01 * w[f"k{k}"]
        grads[f"b{k}"] = flow.sum(axis=0)
        flow = flow @ w[f"k{k}"].T
    grads["movie"], grads["user"] = np.zeros_like(w["movie"]), np.zeros_like(w["user"])
    size = w["movie"].shape[1]
    np.add.at(grads["movie"], movies, flow[:, :size])
    np.add.at(grads["user"], users, flow[:, size:])
    rate = 0.01 * np.sqrt(1 - 0.999**step) / (1 - 0.9**step)
    for name, g in grads.items():
        m, v = state.setdefault(name, (np.zeros_like(g), np.zeros_like(g)))
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
        state[name] = (m, v)
        w[name] = w[name] - rate * m / (np.sqrt(v) + 1e-7)
    return float(loss), float(np.sqrt(np.mean(error**2)))


def _named_weights(model: keras.Model) -> dict[str, np.ndarray]:
    found = {
        "movie": model.get_layer("movie_embedding").get_weights()[0],
        "user": model.get_layer("user_embedding").get_weights()[0],
    }
    for k, name in enumerate(["dense_1", "dense_2", "dense_3", "score"]):
        found[f"k{k}"], found[f"b{k}"] = model.get_layer(name).get_weights()
    return {name: np.asarray(value, np.float64) for name, value in found.items()}


def _small_split(rows: int = 400, users: int = 9, movies: int = 7, seed: int = 3) -> Split:
    """Every id many times, so that summing matters."""
    rng = np.random.default_rng(seed)

    def part(count: int) -> Part:
        return Part(
            rng.integers(0, users, count).astype(np.int32),
            rng.integers(0, movies, count).astype(np.int32),
            rng.integers(1, 6, count).astype(np.float32),
            np.arange(count),
        )

    vocabulary = Vocabulary(np.arange(users), np.arange(movies))
    return Split("made", 0, part(rows), part(rows // 4), part(10), vocabulary, 0, {}, ())


NO_DROPOUT = replace(baseline()[0], dropout=(0.0, 0.0, 0.0))


def _three_steps(stock: bool) -> tuple[dict, dict, list, list]:
    split = _small_split()
    make_deterministic(1)
    model = build_model(NO_DROPOUT, split.vocabulary, seed=1)
    expected = _named_weights(model)
    data = (split.train.movies, split.train.users, split.train.scores.astype(np.float64))
    state: dict = {}
    losses = [_reference_step(expected, state, data, step) for step in (1, 2, 3)]
    if stock:
        model.compile(keras.optimizers.Adam(0.01), "mean_squared_error")
        x = [split.train.movies[:, None], split.train.users[:, None]]
        model.fit(x, split.train.scores, batch_size=400, epochs=3, verbose=0)
        return _named_weights(model), expected, [], losses
    result = train(model, split, TrainConfig(epochs=3, seed=1))
    assert result.best_epoch == 3  # whose weights the model has
    weights = _named_weights(model)
    ours = [(e.metrics["loss"], e.metrics["rmse"]) for e in result.epochs]
    return weights, expected, ours, losses


def _gap(got: dict, expected: dict) -> float:
    return max(
        float(np.abs(got[n] - expected[n]).max() / np.abs(expected[n]).max()) for n in expected
    )


@pytest.mark.usefixtures("trainer")
def test_three_steps_agree_with_an_independent_reference() -> None:
    got, expected, ours, losses = _three_steps(stock=False)
    assert _gap(got, expected) < 2e-5
    assert np.allclose(ours, losses, rtol=1e-5)


def test_stock_keras_does_not_sum_and_does_not_agree() -> None:
    got, expected, _, _ = _three_steps(stock=True)
    assert _gap({"movie": got["movie"]}, {"movie": expected["movie"]}) > 0.1


@pytest.mark.parametrize("optimizer", cases(["adam"], ["adamw", "nadam", "rmsprop", "sgd"]))
def test_every_optimizer_steps_along_the_summed_gradient(optimizer: str) -> None:
    """A tiny penalty on the tables makes Keras' own gradient dense, hence summed."""
    split = _small_split()
    config = TrainConfig(optimizer=optimizer, epochs=3, learning_rate=0.005, trainer="keras")
    tables = []
    for penalty in (0.0, 1e-30):
        make_deterministic(2)
        shape = replace(NO_DROPOUT, l2_embedding=penalty)
        model = build_model(shape, split.vocabulary, seed=2)
        train(model, split, config)
        tables.append(model.get_layer("movie_embedding").get_weights()[0])
    assert np.abs(tables[0] - tables[1]).max() < 1e-5


# ---- training --------------------------------------------------------------------------------


def _trained(seed: int, **changes) -> tuple:
    split = _small_split()
    make_deterministic(seed)
    model = build_model(baseline()[0], split.vocabulary, seed=seed)
    config = TrainConfig(**({"epochs": 12, "seed": seed} | changes))
    return train(model, split, config), model, split


@pytest.mark.usefixtures("trainer")
def test_the_value_is_the_rmse_of_the_restored_weights() -> None:
    result, model, split = _trained(0, epochs=30)
    error = predict(model, split.valid).astype(np.float64) - split.valid.scores
    # The compiled trainer predicts by itself, in other sums.
    close = 1e-6 if result.trainer.name == "compiled" else 1e-12
    assert result.best_val_rmse == pytest.approx(np.sqrt(np.mean(error**2)), abs=close)
    curve = [e.metrics["val_rmse"] for e in result.epochs]
    assert curve[result.best_epoch - 1] == pytest.approx(result.best_val_rmse, abs=1e-5)
    assert result.lowest_val_rmse == min(curve)
    assert result.end_reason == "epochs"


@pytest.mark.usefixtures("trainer")
def test_the_same_seed_gives_the_same_bits_and_another_does_not() -> None:
    first, model, _ = _trained(4)
    again, same, _ = _trained(4)
    other, _, _ = _trained(5)
    assert [e.metrics for e in first.epochs] == [e.metrics for e in again.epochs]
    assert first.best_val_rmse == again.best_val_rmse != other.best_val_rmse
    pairs = zip(model.get_weights(), same.get_weights(), strict=True)
    assert all(np.array_equal(a, b) for a, b in pairs)


@pytest.mark.usefixtures("trainer")
def test_a_trial_ends_as_what_happened_to_it() -> None:
    split = _small_split()
    model = build_model(baseline()[0], split.vocabulary)
    pruned = train(model, split, TrainConfig(epochs=9), lambda e: e.epoch < 3)
    assert (pruned.end_reason, len(pruned.epochs)) == ("pruned", 3)
    stopped, _, _ = _trained(1, epochs=300, patience=3)
    assert stopped.end_reason == "early_stopping"
    assert len(stopped.epochs) == stopped.best_epoch + 3
    wild = build_model(replace(NO_DROPOUT, output_activation="linear"), split.vocabulary)
    lost = train(wild, split, TrainConfig(optimizer="sgd", learning_rate=1e20, epochs=9))
    assert lost.end_reason == "nan"


@pytest.mark.usefixtures("trainer")
def test_the_test_part_is_never_read() -> None:
    class Sealed:
        def __getattribute__(self, name: str):
            raise AssertionError(f"the test part was asked for {name}")

    split = replace(_small_split(), test=Sealed())
    model = build_model(baseline()[0], split.vocabulary)
    assert train(model, split, TrainConfig(epochs=2)).best_val_rmse > 0


@pytest.mark.slow
def test_the_first_published_epochs_lie_within_the_band_of_seeds() -> None:
    """An epoch is one step, so its RMSE depends on the recipe and the histogram, not the size."""
    split = split_ratings(load_ratings("synthetic:0.004"), "published")
    curves = []
    for seed in range(6):
        make_deterministic(seed)
        model = build_model(baseline()[0], split.vocabulary, seed=seed)
        result = train(model, split, TrainConfig(epochs=3, seed=seed))
        curves.append([e.metrics["val_rmse"] for e in result.epochs])
    low, high = np.min(curves, axis=0), np.max(curves, axis=0)
    published = [p.val_rmse for p in published_curve()[:3]]
    assert published == [3.3108, 3.0645, 2.6034]
    assert all(low <= published), (low, high)
    assert all(published <= high), (low, high)
