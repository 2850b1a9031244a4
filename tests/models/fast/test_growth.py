"""Row samples that grow: what each epoch sees, and that training goes on from stage to stage."""

from __future__ import annotations

from dataclasses import replace

import keras
import numpy as np
import pytest

import models
from models import ModelConfig, TrainConfig
from models.fast import fit

PLAIN = ModelConfig(units=(4,), dropout=(0.0,), embedding_size=3, output_bias=3.0)


class _Weights(keras.callbacks.Callback):
    def __init__(self) -> None:
        super().__init__()
        self.seen: list[np.ndarray] = []

    def on_epoch_end(self, epoch: int, logs: object = None) -> None:
        self.seen.append(np.concatenate([w.ravel() for w in self.model.get_weights()]))


def _line(rows: int) -> tuple[np.ndarray, np.ndarray]:
    x = np.arange(rows, dtype=np.float32).reshape(-1, 1) / rows
    return x, 3 * x


def _linear() -> keras.Model:
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, kernel_initializer="zeros")])
    model.compile(keras.optimizers.SGD(0.5), loss="mse")
    return model


@pytest.mark.parametrize("trainer", ["fast", "keras"])
def test_an_epoch_of_a_stage_sees_the_first_rows_alone(trainer: str) -> None:
    """One step of SGD from zero moves the kernel by 2 * 0.5 * mean(x * y) of the rows seen."""
    x, y = _line(40)
    model, watch = _linear(), _Weights()
    options = {"batch_size": 40, "epochs": 2, "shuffle": False, "verbose": 0, "callbacks": [watch]}
    assert fit(model, x, y, trainer=trainer, growth=[(10, 1)], **options).name == trainer
    first = float(np.mean(x[:10] * y[:10]))
    bias = float(np.mean(y[:10]))
    assert watch.seen[0] == pytest.approx([first, bias], rel=1e-5)
    error = x * first + bias - y
    second = [first - float(np.mean(error * x)), bias - float(np.mean(error))]
    assert watch.seen[1] == pytest.approx(second, rel=1e-5)


@pytest.mark.slow
def test_both_trainers_grow_alike(make_split) -> None:
    split = make_split(train_rows=300)
    config = TrainConfig(growth=((0.2, 3), (0.5, 2)), epochs=8, learning_rate=0.02)
    curves = []
    for trainer in ("fast", "keras"):
        models.make_deterministic(1)
        model = models.build_for(split, PLAIN, seed=1)
        result = models.train(model, split, replace(config, trainer=trainer))
        assert result.trainer.name == trainer
        curves.append([e.metrics["val_rmse"] for e in result.epochs])
    assert len(curves[0]) == 8
    assert curves[0] == pytest.approx(curves[1], rel=1e-4)


def test_mini_batches_grow_too_and_a_falling_step_size_ends_where_it_should(make_split) -> None:
    split = make_split(train_rows=200)
    config = TrainConfig(
        growth=((0.25, 2),), epochs=4, batch_size=50, schedule="exponential", final_rate=0.1,
        learning_rate=0.02, patience=10, trainer="fast",
    )  # fmt: skip
    models.make_deterministic(1)
    model = models.build_for(split, PLAIN, seed=1)
    models.train(model, split, config)
    # 50 rows are one step, 200 are four: 1 + 1 + 4 + 4.
    assert int(model.optimizer.iterations) == 10
    assert float(model.optimizer.learning_rate) == pytest.approx(0.002, rel=1e-4)


@pytest.mark.slow
def test_the_same_seed_gives_the_same_curve(make_split) -> None:
    split = make_split(train_rows=300)
    config = TrainConfig(growth=((0.3, 2),), epochs=4, trainer="fast")
    dropping = replace(PLAIN, dropout=(0.4,))
    values = []
    for _ in range(2):
        models.make_deterministic(3)
        model = models.build_for(split, dropping, seed=3)
        values.append(models.train(model, split, config).best_val_rmse)
    assert values[0] == values[1]
