"""Keras' `fit` on arrays, its callbacks and its history, over compiled passes of our own."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from typing import Any

import keras

from models.fast.gradients import mean_loss
from models.fast.growth import Growth, rows_by_epoch
from models.fast.passes import TrainPass, ValidationPass


def fast_fit(
    model: keras.Model,
    x: Any,
    y: Any,
    *,
    batch_size: int | None = None,
    epochs: int = 1,
    validation_data: tuple[Any, Any] | None = None,
    shuffle: bool = True,
    callbacks: Sequence[keras.callbacks.Callback] | None = None,
    growth: Growth = (),
) -> keras.callbacks.History:
    """Train as `model.fit` with these arguments does.

    Whether it can is what `why_not` says. What differs: gradients of embedding tables are summed
    over a batch's rows before the optimizer sees them; masks and orders are other draws of the
    same distributions; a callback hears one batch an epoch where an epoch is one step, else none.

    Args:
        model: Built and compiled.
        x: An array, or a list or dictionary of arrays, `[row, ...]`.
        y: Targets, `[row, ...]`.
        batch_size: Rows a step; None for Keras' 32.
        epochs: Most epochs.
        validation_data: Inputs and targets that are scored after each epoch.
        shuffle: Whether batches are drawn anew each epoch.
        callbacks: Keras' own or a user's.
        growth: Rows and epochs of each stage before the epochs over all rows: so many epochs
            over the first so many rows.

    Returns:
        The history, as Keras' `fit` returns it.
    """
    loss = mean_loss(model)
    valid = None
    if validation_data is not None:
        valid = ValidationPass(model, loss, (validation_data[0], validation_data[1]))
    with closing(TrainPass(model, loss, (x, y), batch_size=batch_size or 32)) as train:
        told = keras.callbacks.CallbackList(
            list(callbacks or ()),
            add_history=True,
            model=model,
            verbose=0,
            epochs=epochs,
            steps=train.steps,
        )
        rows = rows_by_epoch(growth, epochs, len(y))
        _fit(model, train, valid, told, rows, shuffle=shuffle)
    history: keras.callbacks.History = model.history
    return history


def _fit(
    model: keras.Model,
    train: TrainPass,
    valid: ValidationPass | None,
    told: keras.callbacks.CallbackList,
    rows: Sequence[int],
    *,
    shuffle: bool,
) -> None:
    model.stop_training = False
    told.on_train_begin()
    logs: dict[str, float] = {}
    for epoch, count in enumerate(rows):
        train.use(count)
        told.on_epoch_begin(epoch)
        logs = _train(model, train, told, shuffle=shuffle)
        if valid is not None:
            logs |= _validate(model, valid, told)
        told.on_epoch_end(epoch, logs)
        if model.stop_training:
            break
    model.optimizer.finalize_variable_values(model.trainable_variables)
    told.on_train_end(logs)


def _train(
    model: keras.Model, train: TrainPass, told: keras.callbacks.CallbackList, *, shuffle: bool
) -> dict[str, float]:
    model.reset_metrics()
    if train.steps == 1:
        told.on_train_batch_begin(0)
    logs = _logs(model, train.run(shuffle=shuffle))
    if train.steps == 1:
        told.on_train_batch_end(0, logs)
    return logs


def _validate(
    model: keras.Model, valid: ValidationPass, told: keras.callbacks.CallbackList
) -> dict[str, float]:
    model.reset_metrics()
    told.on_test_begin()
    logs = _logs(model, valid.run())
    told.on_test_end(logs)
    return {f"val_{name}": value for name, value in logs.items()}


def _logs(model: keras.Model, loss: float) -> dict[str, float]:
    """Names and values as Keras logs them, in its order."""
    results = {name: float(value) for name, value in model.get_metrics_result().items()}
    return dict(sorted((results | {"loss": loss}).items()))
