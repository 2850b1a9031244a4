"""Build, train and refit a rating model on a split, and predict with it."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from models.builder import build_model
from models.compiled.origin import score_facts
from models.compiled.route import finish, fit_compiled, origin_for
from models.compiled.row_plan import RowPlan, both_parts
from models.config import COMPILED, FULL_BATCH, ModelConfig, TrainConfig
from models.curve import CurveRecorder, Epoch, TrainResult
from models.data import Part, Split
from models.evaluation import inputs_of, rmse
from models.fast import TrainerUsed, fit
from models.fast.hearing import Relay
from models.optimizers import make_optimizer
from models.within_epoch import OnRows

_PREDICT_ROWS = 65_536


def build_for(split: Split, config: ModelConfig, *, seed: int) -> keras.Model:
    """Build a network for a split, from its vocabulary and the mean and range of its train scores.

    Args:
        split: What the model will be trained on.
        config: The network.
        seed: Seeds initial values and dropout masks.

    Returns:
        The model, not compiled.

    Example:
        >>> split.train.scores  # their mean is 3.5
        array([4., 2., 5., 3.], dtype=float32)
        >>> config = ModelConfig(units=(), dropout=(), output_bias="train_mean")
        >>> build_for(split, config, seed=1).get_layer("score").bias.numpy()
        array([3.5], dtype=float32)
    """
    train_mean, score_range = score_facts(split)
    return build_model(
        config,
        split.vocabulary,
        train_mean=train_mean,
        score_range=score_range,
        seed=seed,
    )


def compile_model(model: keras.Model, config: TrainConfig, steps: int | None = None) -> None:
    """Compile a model with mean squared error, RMSE as its metric, and the optimizer of `config`.

    Args:
        model: Built.
        config: Optimizer, learning rate and its schedule.
        steps: Steps of all epochs together, over which the learning rate falls; None for one step
            an epoch.

    Example:
        >>> model = build_for(split, ModelConfig(), seed=1)
        >>> compile_model(model, TrainConfig(optimizer="sgd", learning_rate=0.5))
        >>> model.loss, float(model.optimizer.learning_rate)
        ('mean_squared_error', 0.5)
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
    on_rows: OnRows | None = None,
) -> TrainResult:
    """Train a model, restore the best epoch's weights and score them again.

    An epoch is best when its validation RMSE is more than `min_delta` below the best before it.
    The test part is not read.

    Args:
        model: Built, not compiled.
        split: Its train and validation parts are used.
        config: Optimizer, batch size, epochs, stopping.
        on_epoch: Called after each epoch; returning False prunes the trial there.
        on_rows: Called at most once a second inside epochs, with the epoch's number, the share of
            its rows that are trained and its seconds so far; returning False ends the training
            there, without that epoch.

    Raises:
        ModelsError: The fast trainer is asked for and cannot do what Keras' `fit` does.

    Example:
        >>> model = build_for(split, ModelConfig(units=(4,), dropout=(0.5,)), seed=1)
        >>> result = train(model, split, TrainConfig(epochs=3))
        >>> [epoch.epoch for epoch in result.epochs], result.end_reason
        ([1, 2, 3], 'epochs')
    """
    recorder = CurveRecorder(config, on_epoch, on_rows)
    started = time.perf_counter()
    trainer = _fit_recorded(model, split, config, recorder)
    trained = time.perf_counter()
    value = math.nan
    if recorder.epochs:
        value = rmse(predict(model, split.valid), split.valid.scores)
    seconds = {"train": trained - started, "evaluate": time.perf_counter() - trained}
    return recorder.result(value, seconds, trainer)


def _fit_recorded(
    model: keras.Model, split: Split, config: TrainConfig, recorder: CurveRecorder
) -> TrainerUsed:
    """Train on the train part, and restore the best epoch's weights.

    The recorder receives each epoch's train and validation metrics.
    """
    plan, origin = RowPlan.of(config, len(split.train)), origin_for(model, config)
    if origin is not None:
        compile_model(model, config, plan.steps)
        weights = fit_compiled(model, origin, split.train, plan, recorder, split.valid)
        recorder.restore_best(weights)
        finish(model, origin, weights)
        return TrainerUsed(COMPILED)
    trainer = _fit(
        model,
        plan.ordered(split.train),
        plan,
        validation_data=(inputs_of(split.valid), split.valid.scores.reshape(-1, 1)),
        validation_batch_size=min(len(split.valid), _PREDICT_ROWS),
        callbacks=[Relay(recorder)],
    )
    recorder.restore_best(model)
    return trainer


def refit(model: keras.Model, split: Split, config: TrainConfig, epochs: int) -> TrainerUsed:
    """Train a model on the train and the validation part together, for a fixed number of epochs.

    The model keeps the last epoch's weights. The test part is not read.

    Args:
        model: Built, not compiled.
        split: What the model is trained on.
        config: As for `train`. Its patience has no effect, as no part is left to stop on; its
            learning rate falls as it would over all of its epochs.
        epochs: How many are trained.

    Returns:
        Which trainer it was.

    Raises:
        ModelsError: The fast trainer is asked for and cannot do what Keras' `fit` does.

    Example:
        >>> model = build_for(split, ModelConfig(family="gmf"), seed=1)
        >>> refit(model, split, TrainConfig(), epochs=2).name
        'compiled'
    """
    rows = both_parts(split)
    plan = RowPlan.of(config, len(rows), epochs=epochs)
    origin = origin_for(model, config)
    if origin is None:
        return _fit(model, plan.ordered(rows), plan)
    compile_model(model, config, plan.steps)
    finish(model, origin, fit_compiled(model, origin, rows, plan))
    return TrainerUsed(COMPILED)


def _fit(model: keras.Model, rows: Part, plan: RowPlan, **options: Any) -> TrainerUsed:
    """Compile a model and train it with TensorFlow on some rows, in the order of `plan`."""
    config = plan.config
    compile_model(model, config, plan.steps)
    return fit(
        model,
        inputs_of(rows),
        rows.scores.reshape(-1, 1),
        trainer=config.trainer,
        growth=plan.growth,
        batch_size=plan.batch_size,
        epochs=plan.epochs,
        shuffle=config.batch_size != FULL_BATCH,
        verbose=0,
        **options,
    )


def predict(model: keras.Model, part: Part) -> NDArray[np.float32]:
    """Predict the score of each row of a split's train, validation or test part.

    Nothing is compiled: on a sample, `model.predict` would take longer for that than for the rows.

    Args:
        model: Takes movie and user codes.
        part: Whose rows are scored; its own scores are not read.

    Returns:
        Scores, `[row]`.

    Example:
        >>> model = build_for(split, ModelConfig(output_bias=7.0), seed=1)
        >>> predict(model, split.valid).round()  # untrained: about the initial output bias
        array([7., 7.], dtype=float32)
    """
    inputs = inputs_of(part)
    scores = [
        np.asarray(model([c[first : first + _PREDICT_ROWS] for c in inputs], training=False))
        for first in range(0, len(part), _PREDICT_ROWS)
    ]
    return np.concatenate([np.zeros((0, 1), np.float32), *scores]).reshape(-1)
