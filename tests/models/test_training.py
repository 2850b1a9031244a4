from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import keras
import numpy as np
import pytest

from models import (
    Epoch,
    ModelConfig,
    TrainConfig,
    TrainResult,
    build_model,
    make_deterministic,
    predict,
    train,
)
from models.data import Split

MakeSplit = Callable[..., Split]
TINY = ModelConfig(embedding_size=3, units=(6,), dropout=(0.2,))


def _trained(
    split: Split, config: TrainConfig, on_epoch: Callable[[Epoch], bool] | None = None
) -> tuple[TrainResult, keras.Model]:
    make_deterministic(config.seed)
    model = build_model(TINY, split.vocabulary, seed=config.seed)
    return train(model, split, config, on_epoch), model


def _close(result: TrainResult) -> float:
    """How near a value is to that of Keras' predictions: the compiled trainer predicts itself."""
    return 1e-6 if result.trainer.name == "compiled" else 1e-12


def _rmse(model: keras.Model, split: Split) -> float:
    error = predict(model, split.valid).astype(np.float64) - split.valid.scores
    return math.sqrt((error**2).sum() / len(split.valid))


def _best_epoch(curve: list[float], min_delta: float) -> int:
    """By hand: an epoch replaces the best when it lies more than `min_delta` below it."""
    best = 0
    for number in range(1, len(curve)):
        if curve[best] - curve[number] > min_delta:
            best = number
    return best + 1


@pytest.mark.usefixtures("trainer")
@pytest.mark.parametrize(("batch_size", "min_delta"), [("full", 0.05), (16, 0.0)])
def test_the_best_epoch_is_restored_and_scored_anew(
    make_split: MakeSplit, batch_size: int | str, min_delta: float
) -> None:
    split = make_split()
    config = TrainConfig(
        epochs=25, learning_rate=0.05, min_delta=min_delta, batch_size=batch_size, patience=25
    )
    result, model = _trained(split, config)
    curve = [epoch.metrics["val_rmse"] for epoch in result.epochs]
    assert result.best_epoch == _best_epoch(curve, min_delta) < len(curve)
    assert result.best_val_rmse == pytest.approx(_rmse(model, split), abs=_close(result))
    assert result.best_val_rmse == pytest.approx(curve[result.best_epoch - 1], abs=1e-5)
    assert result.lowest_val_rmse == min(curve)
    assert result.end_reason == "epochs"


@pytest.mark.usefixtures("trainer")
def test_an_epoch_has_its_number_its_seconds_and_four_metrics(make_split: MakeSplit) -> None:
    heard: list[Epoch] = []

    def hear(epoch: Epoch) -> bool:
        heard.append(epoch)
        return True

    result, _ = _trained(make_split(), TrainConfig(epochs=3), hear)
    assert tuple(heard) == result.epochs
    assert [epoch.epoch for epoch in heard] == [1, 2, 3]
    for epoch in heard:
        assert set(epoch.metrics) == {"loss", "rmse", "val_loss", "val_rmse"}
        assert epoch.seconds > 0
    assert set(result.seconds) == {"train", "evaluate"}


@pytest.mark.usefixtures("trainer")
def test_a_loss_that_stops_being_a_number_ends_training_with_the_weights_before_it(
    make_split: MakeSplit,
) -> None:
    split = make_split()
    make_deterministic(1)
    model = build_model(replace(TINY, output_activation="linear"), split.vocabulary, seed=1)

    config = TrainConfig(optimizer="sgd", learning_rate=1.0, epochs=99, patience=99)
    result = train(model, split, config)
    assert result.end_reason == "nan"
    assert len(result.epochs) < 99
    assert result.best_epoch == 1
    assert all(np.isfinite(weights).all() for weights in model.get_weights())
    assert result.best_val_rmse == pytest.approx(result.epochs[0].metrics["val_rmse"], rel=1e-5)


@pytest.mark.usefixtures("trainer")
def test_patience_that_runs_out_in_the_last_epoch_did_not_stop_anything(
    make_split: MakeSplit,
) -> None:
    split = make_split()
    stopped, _ = _trained(split, TrainConfig(epochs=99, learning_rate=0.05, patience=2))
    assert stopped.end_reason == "early_stopping"
    count = len(stopped.epochs)
    whole, _ = _trained(split, TrainConfig(epochs=count, learning_rate=0.05, patience=2))
    assert (whole.end_reason, len(whole.epochs)) == ("epochs", count)
    assert [e.metrics for e in whole.epochs] == [e.metrics for e in stopped.epochs]


@pytest.mark.usefixtures("trainer")
def test_overfitting_ends_training_at_the_second_rise_in_a_row(make_split: MakeSplit) -> None:
    split = make_split()
    whole, _ = _trained(split, TrainConfig(epochs=99, learning_rate=0.05, patience=99))
    curve = [epoch.metrics["val_rmse"] for epoch in whole.epochs]
    ends = [n + 1 for n in range(2, len(curve)) if curve[n - 2] < curve[n - 1] < curve[n]]
    assert ends[0] < 99
    told = TrainConfig(epochs=99, learning_rate=0.05, patience=99, overfit_patience=2)
    stopped, model = _trained(split, told)
    assert (stopped.end_reason, len(stopped.epochs)) == ("early_stopping", ends[0])
    assert [e.metrics["val_rmse"] for e in stopped.epochs] == curve[: ends[0]]
    assert stopped.best_val_rmse == pytest.approx(_rmse(model, split), abs=_close(stopped))


@pytest.mark.usefixtures("trainer")
def test_the_same_seed_shuffles_batches_to_the_same_bits(make_split: MakeSplit) -> None:
    split = make_split()
    config = TrainConfig(epochs=2, seed=7, batch_size=16)
    (first, model), (again, other) = _trained(split, config), _trained(split, config)
    assert [epoch.metrics for epoch in first.epochs] == [epoch.metrics for epoch in again.epochs]
    assert [w.tobytes() for w in model.get_weights()] == [w.tobytes() for w in other.get_weights()]
