"""Step sizes of tables and falling ones; gradients summed before the step."""

from __future__ import annotations

import math

import keras
import numpy as np
import pytest

from models import ModelsError, TrainConfig, compile_model
from models.config import DENSE_OPTIMIZERS
from models.optimizers import make_optimizer


def _table_and_kernel() -> tuple[keras.Variable, keras.Variable]:
    table, dense = keras.layers.Embedding(3, 1), keras.layers.Dense(1)
    table.build((None, 1))
    dense.build((None, 1))
    return table.embeddings, dense.kernel


@pytest.mark.parametrize("name", ["adam", "adamw", "nadam", "rmsprop", "sgd"])
def test_a_table_steps_as_many_times_as_far(name: str) -> None:
    moved = []
    for times in (1.0, 5.0):
        variables = _table_and_kernel()
        for variable in variables:
            variable.assign(np.ones(variable.shape))
        optimizer = make_optimizer(
            TrainConfig(optimizer=name, learning_rate=0.01, embedding_rate=times), steps=1
        )
        optimizer.weight_decay = None
        gradients = [np.full(v.shape, 0.5, np.float32) for v in variables]
        optimizer.apply([keras.ops.convert_to_tensor(g) for g in gradients], list(variables))
        moved.append([1.0 - float(v.numpy().ravel()[0]) for v in variables])
    (table, kernel), (table_5, kernel_5) = moved
    assert table_5 == pytest.approx(5 * table, rel=1e-4)
    assert kernel_5 == pytest.approx(kernel, rel=1e-6)
    if name == "sgd":
        assert kernel == pytest.approx(0.01 * 0.5)


def test_the_rate_of_tables_is_part_of_the_optimizers_configuration() -> None:
    made = make_optimizer(TrainConfig(embedding_rate=3.0), steps=1)
    again = type(made).from_config(made.get_config())
    assert again.get_config()["embedding_rate"] == 3.0


@pytest.mark.parametrize(
    ("schedule", "half"),
    [
        ("constant", 0.02),
        ("cosine", 0.02 * (0.1 + 0.9 / 2)),
        ("exponential", 0.02 * math.sqrt(0.1)),
    ],
)
def test_a_step_size_falls_over_all_steps_of_all_epochs(schedule: str, half: float) -> None:
    config = TrainConfig(learning_rate=0.02, schedule=schedule, final_rate=0.1, epochs=5)
    optimizer = make_optimizer(config, steps=4 * config.epochs)
    (_, kernel) = _table_and_kernel()
    rates = []
    for _ in range(21):
        rates.append(float(optimizer.learning_rate))
        optimizer.apply([keras.ops.zeros(kernel.shape)], [kernel])
    assert rates[0] == pytest.approx(0.02)
    assert rates[10] == pytest.approx(half, rel=1e-5)
    assert rates[20] == pytest.approx(0.02 if schedule == "constant" else 0.002, rel=1e-5)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"schedule": "step"}, r"`schedule` must be one of constant, cosine, exponential"),
        ({"embedding_rate": 0.0}, r"`embedding_rate` must be a finite number above 0, but got 0.0"),
        ({"final_rate": 2.0}, r"`final_rate` must be a share above 0 and at most 1, but got 2.0"),
    ],
)
def test_a_rate_that_is_none_is_refused(changes: dict[str, object], message: str) -> None:
    with pytest.raises(ModelsError, match=message):
        TrainConfig(**changes)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", DENSE_OPTIMIZERS)
def test_an_optimizer_sums_slices_and_stock_keras_may_not(name: str) -> None:
    """100 rows of one id, gradient 0.01 each: the step is that of one gradient of 1."""
    import tensorflow as tf

    config = TrainConfig(optimizer=name, learning_rate=0.01)
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    compile_model(model, config)
    ours = model.optimizer
    stock = type(ours).__mro__[3]
    slices = tf.IndexedSlices(tf.fill((100, 2), 0.01), tf.ones((100,), tf.int32), (3, 2))
    dense = np.zeros((3, 2), np.float32)
    dense[1] = 1.0

    def moved(optimizer: keras.optimizers.Optimizer, gradient: object) -> np.ndarray:
        table = keras.Variable(np.zeros((3, 2), np.float32))
        optimizer.build([table])
        optimizer.apply([gradient], [table])
        return np.asarray(table.numpy())

    settings = {
        key: value
        for key, value in ours.get_config().items()
        if key not in ("name", "embedding_rate")
    }
    expected = moved(stock.from_config(settings), tf.constant(dense))
    assert stock.__module__.startswith("keras.")
    assert np.abs(expected[1]).min() > 0.005
    np.testing.assert_allclose(moved(ours, slices), expected, rtol=1e-4, atol=1e-7)
    if name != "sgd":
        wrong = moved(stock.from_config(settings), slices)
        assert np.abs(wrong - expected).max() > 0.005
