"""Train one model on one split: the interface that every trainer stands behind."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from models.builder import build_model
from models.config import FULL_BATCH, ModelConfig, TrainConfig
from models.data import Part, Split
from models.early_stopping import EarlyStop
from models.evaluation import inputs_of, rmse
from models.fast import TrainerUsed, fit, rows_by_epoch
from models.optimizers import make_optimizer

_PREDICT_ROWS = 65_536
_SAMPLE_SEED = 0


@dataclass(frozen=True, slots=True)
class Epoch:
    """One epoch: 1 for the first, seconds of wall time, metrics by name."""

    epoch: int
    seconds: float
    metrics: Mapping[str, float]


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainResult:
    """What training left behind; the model holds the weights of the best epoch.

    Attributes:
        epochs: The whole curve.
        best_val_rmse: Validation RMSE of the restored weights, computed anew in float64.
        best_epoch: The epoch whose weights were restored.
        lowest_val_rmse: Least value in the curve, which may fall short of `min_delta`.
        end_reason: "epochs", "early_stopping", "pruned" or "nan".
        seconds: By phase: train, evaluate.
        trainer: What trained, and why it was Keras' own `fit` where the trainer is "auto".
    """

    epochs: tuple[Epoch, ...]
    best_val_rmse: float
    best_epoch: int
    lowest_val_rmse: float
    end_reason: str
    seconds: Mapping[str, float]
    trainer: TrainerUsed


def make_deterministic(seed: int) -> None:
    """Seed Python, NumPy and TensorFlow, and ask TensorFlow for repeatable operations."""
    keras.backend.clear_session()
    keras.utils.set_random_seed(int(seed) % (2**32))
    tf.config.experimental.enable_op_determinism()


def set_threads(count: int | None, *, fast: bool = False) -> int:
    """Fix the number of threads, and what they do, before TensorFlow starts its own.

    Args:
        count: Threads, or None for as many as this process may use.
        fast: Whether to arrange all for the fast trainer: each operation runs on one thread and
            several at once, where Keras' `fit` uses threads inside of an operation; and no graph
            is rewritten before its first run, which takes longer than it gains.

    Returns:
        The number set.
    """
    threads = count or len(os.sched_getaffinity(0))
    tf.config.threading.set_intra_op_parallelism_threads(1 if fast else threads)
    tf.config.threading.set_inter_op_parallelism_threads(threads)
    for device in tf.config.list_physical_devices("GPU"):
        tf.config.experimental.set_memory_growth(device, True)
    tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": fast})
    return threads


def see_one_gpu() -> None:
    """Let TensorFlow use the first GPU alone where there are several; before it starts any."""
    devices = tf.config.list_physical_devices("GPU")
    if len(devices) > 1:
        tf.config.set_visible_devices(devices[0], "GPU")


def device_types() -> tuple[str, ...]:
    """Kinds of the devices that TensorFlow sees, say ("CPU",)."""
    return tuple(device.device_type for device in tf.config.list_physical_devices())


def build_for(split: Split, config: ModelConfig, *, seed: int) -> keras.Model:
    """Build the network for a split: its vocabulary, and its train part's mean and range.

    Args:
        split: What the model will be trained on.
        config: The network.
        seed: Seeds initial values and dropout masks.
    """
    scores = split.train.scores
    return build_model(
        config,
        split.vocabulary,
        train_mean=float(scores.mean(dtype="float64")),
        score_range=(float(scores.min()), float(scores.max())),
        seed=seed,
    )


def compile_model(model: keras.Model, config: TrainConfig, steps: int | None = None) -> None:
    """Mean squared error, RMSE as metric, and the optimizer that `config` names.

    Args:
        model: Built.
        config: How it is trained.
        steps: Of all epochs, over which a step size falls; None for one an epoch.
    """
    model.compile(
        optimizer=make_optimizer(config, steps or config.epochs),
        loss="mean_squared_error",
        metrics=[keras.metrics.RootMeanSquaredError(name="rmse")],
    )


def train(
    model: keras.Model,
    split: Split,
    config: TrainConfig,
    on_epoch: Callable[[Epoch], bool] | None = None,
) -> TrainResult:
    """Train, restore the best epoch's weights and score them again.

    An epoch is best when its validation RMSE is at least `min_delta` below the best so far; after
    `patience` epochs without one, training stops, and after `overfit_patience` epochs in a row with
    a rise. A loss that is not finite stops it at once, and its epoch is never best.

    Args:
        model: Built, not compiled.
        split: Its train and validation parts are used; the test part is not read.
        config: Optimizer, batch size, epochs, stopping.
        on_epoch: Called after each epoch; returning False prunes the trial there.

    Returns:
        The curve and the figures of the restored weights.

    Raises:
        ModelsError: The fast trainer is asked for and cannot do what Keras' `fit` does.
    """
    watch = _Watch(config, on_epoch)
    started = time.perf_counter()
    trainer = _fit(
        model,
        inputs_of(split.train),
        split.train.scores.reshape(-1, 1),
        config,
        epochs=config.epochs,
        validation_data=(inputs_of(split.valid), split.valid.scores.reshape(-1, 1)),
        validation_batch_size=min(len(split.valid), _PREDICT_ROWS),
        callbacks=[watch],
    )
    trained = time.perf_counter()
    watch.restore(model)
    value = rmse(predict(model, split.valid), split.valid.scores)
    seconds = {"train": trained - started, "evaluate": time.perf_counter() - trained}
    return watch.result(value, seconds, trainer)


def refit(model: keras.Model, split: Split, config: TrainConfig, epochs: int) -> TrainerUsed:
    """Train on train and validation part together; the model keeps the last epoch's weights.

    Args:
        model: Built, not compiled.
        split: The test part is not read.
        config: Its patience has no say, as there is nothing left to stop on; a step size falls
            as it would over all of its epochs.
        epochs: How many are trained.

    Returns:
        What trained.
    """
    inputs = [
        np.concatenate(both)
        for both in zip(inputs_of(split.train), inputs_of(split.valid), strict=True)
    ]
    scores = np.concatenate([split.train.scores, split.valid.scores]).reshape(-1, 1)
    return _fit(model, inputs, scores, config, epochs=epochs)


def _fit(
    model: keras.Model,
    inputs: list[NDArray[Any]],
    scores: NDArray[Any],
    config: TrainConfig,
    *,
    epochs: int,
    **options: Any,
) -> TrainerUsed:
    """Compile and train on some rows as `config` says; which trainer it was.

    Where row samples grow, the rows are put in an order first that depends on their number alone,
    so that every trial sees the same samples.
    """
    full, rows = config.batch_size == FULL_BATCH, len(scores)
    batch_size = rows if full else int(config.batch_size)
    growth = [(max(1, round(share * rows)), lasting) for share, lasting in config.growth]
    if growth:
        order = np.random.default_rng(_SAMPLE_SEED).permutation(rows)
        inputs, scores = [each[order] for each in inputs], scores[order]
    by_epoch = rows_by_epoch(growth, config.epochs, rows)
    compile_model(model, config, steps=sum(-(-count // batch_size) for count in by_epoch))
    return fit(
        model,
        inputs,
        scores,
        trainer=config.trainer,
        growth=growth,
        batch_size=batch_size,
        epochs=epochs,
        shuffle=not full,
        verbose=0,
        **options,
    )


def predict(model: keras.Model, part: Part) -> NDArray[np.float32]:
    """Predicted scores `[row]` of a part.

    Nothing is compiled: `model.predict` would take longer for that than for the sample's rows.
    """
    inputs = inputs_of(part)
    scores = [
        np.asarray(model([each[first : first + _PREDICT_ROWS] for each in inputs], training=False))
        for first in range(0, len(part), _PREDICT_ROWS)
    ]
    return np.concatenate([np.zeros((0, 1), np.float32), *scores]).reshape(-1)


class _Watch(keras.callbacks.Callback):
    """Keeps the curve and the best weights, and stops training when its time has come."""

    def __init__(self, config: TrainConfig, on_epoch: Callable[[Epoch], bool] | None) -> None:
        super().__init__()
        warm_up = sum(epochs for _, epochs in config.growth)
        self._stop = EarlyStop(
            patience=config.patience,
            min_delta=config.min_delta,
            warm_up=warm_up,
            overfit_patience=config.overfit_patience,
        )
        self._epochs = config.epochs
        self._on_epoch = on_epoch
        self._curve: list[Epoch] = []
        self._weights: list[NDArray[np.float32]] | None = None
        self._reason = "epochs"
        self._started = 0.0

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        """Start the epoch's clock."""
        self._started = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        """Record the epoch, then decide whether another follows."""
        metrics = {name: float(value) for name, value in (logs or {}).items()}
        record = Epoch(epoch + 1, time.perf_counter() - self._started, metrics)
        self._curve.append(record)
        finite = all(np.isfinite(value) for value in metrics.values())
        # Weights that overflow a loss can still give a finite RMSE, behind a ReLU that died.
        if self._stop.update(metrics["val_rmse"] if finite else np.nan):
            self._weights = self.model.get_weights()
        goes_on = self._on_epoch(record) if self._on_epoch is not None else True
        if not finite:
            self._end("nan")
        elif self._stop.done and record.epoch < self._epochs:
            self._end("early_stopping")
        elif not goes_on:
            self._end("pruned")

    def _end(self, reason: str) -> None:
        self._reason = reason
        self.model.stop_training = True

    def restore(self, model: keras.Model) -> None:
        """Put the best epoch's weights back."""
        if self._weights is not None:
            model.set_weights(self._weights)

    def result(
        self, value: float, seconds: Mapping[str, float], trainer: TrainerUsed
    ) -> TrainResult:
        """Everything kept, with the restored weights' value."""
        lowest = min((e.metrics["val_rmse"] for e in self._curve), default=float("nan"))
        return TrainResult(
            epochs=tuple(self._curve),
            best_val_rmse=value,
            best_epoch=self._stop.best_epoch,
            lowest_val_rmse=lowest,
            end_reason=self._reason,
            seconds=seconds,
            trainer=trainer,
        )
