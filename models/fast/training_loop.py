"""The fast trainer's replacement for Keras' `fit` on arrays, with callbacks and history."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from functools import partial
from typing import Any

import keras
import numpy as np

from models.fast.gradients import mean_loss
from models.fast.passes import TrainPass, ValidationPass
from models.fast.plan import EpochPlan
from models.fast.sizes import RowBytes
from models.within_epoch import all_go_on


def fast_fit(
    model: keras.Model,
    x: Any,
    y: Any,
    plan: EpochPlan,
    *,
    validation_data: tuple[Any, Any] | None = None,
    callbacks: Sequence[keras.callbacks.Callback] | None = None,
) -> keras.callbacks.History:
    """Train a model as Keras' `fit` does; call this only where `why_not` returns None.

    Three things differ from Keras. The gradient of an embedding table is summed over a batch's rows
    before the optimizer sees it. Dropout masks and orders of rows are other draws of the same
    distributions. And a callback hears of one batch where an epoch is one step, else of none.

    Args:
        model: Built and compiled.
        x: An array, or a list or dictionary of arrays, `[row, ...]`.
        y: Targets, `[row, ...]`.
        plan: Steps, epochs, order and samples of the rows.
        validation_data: Inputs and targets that are scored after each epoch.
        callbacks: Keras' own or a user's.

    Returns:
        The history, as Keras' `fit` returns it.
    """
    loss = mean_loss(model)
    sizes = RowBytes.of(model, x)
    valid = None if validation_data is None else ValidationPass(model, loss, validation_data, sizes)
    train = TrainPass(model, loss, (x, y), batch_size=plan.batch_size, sizes=sizes)
    with closing(train):
        listeners = _listeners(model, callbacks, epochs=plan.epochs, steps=train.steps)
        rows = plan.rows_by_epoch(len(y))
        _run_epochs(model, train, valid, listeners, rows, shuffle=plan.shuffle)
    history: keras.callbacks.History = model.history
    return history


def _listeners(
    model: keras.Model,
    callbacks: Sequence[keras.callbacks.Callback] | None,
    *,
    epochs: int,
    steps: int,
) -> keras.callbacks.CallbackList:
    """Join the callbacks, and the one that records the history, into one `CallbackList`."""
    return keras.callbacks.CallbackList(
        list(callbacks or ()), add_history=True, model=model, verbose=0, epochs=epochs, steps=steps
    )


def _run_epochs(
    model: keras.Model,
    train: TrainPass,
    valid: ValidationPass | None,
    listeners: keras.callbacks.CallbackList,
    rows: Sequence[int],
    *,
    shuffle: bool,
) -> None:
    """Train each epoch n on the first `rows[n]` rows, until a callback stops the training."""
    model.stop_training = False
    listeners.on_train_begin()
    logs: dict[str, float] = {}
    for epoch, count in enumerate(rows):
        train.use(count)
        listeners.on_epoch_begin(epoch)
        trained = _train(model, train, listeners, shuffle=shuffle)
        if trained is None:
            break
        logs = trained
        if valid is not None:
            logs |= _validate(model, valid, listeners)
        listeners.on_epoch_end(epoch, logs)
        if model.stop_training:
            break
    model.optimizer.finalize_variable_values(model.trainable_variables)
    listeners.on_train_end(logs)


def _train(
    model: keras.Model,
    train: TrainPass,
    listeners: keras.callbacks.CallbackList,
    *,
    shuffle: bool,
) -> dict[str, float] | None:
    """Train one epoch; return its loss and metrics by name, or None where a callback ended it."""
    model.reset_metrics()
    if train.steps == 1:
        listeners.on_train_batch_begin(0)
    goes_on = partial(all_go_on, listeners.callbacks)
    if (loss := train.run(shuffle=shuffle, goes_on=goes_on)) is None:
        return None
    logs = _logs(model, loss)
    if train.steps == 1:
        listeners.on_train_batch_end(0, logs)
    return logs


def _validate(
    model: keras.Model, valid: ValidationPass, listeners: keras.callbacks.CallbackList
) -> dict[str, float]:
    """Score the validation rows; return loss and metrics by name, "val_loss" and so on."""
    model.reset_metrics()
    listeners.on_test_begin()
    logs = _logs(model, valid.run())
    listeners.on_test_end(logs)
    return {f"val_{name}": value for name, value in logs.items()}


def _logs(model: keras.Model, loss: float) -> dict[str, Any]:
    """Return the loss and the metrics by name, in the order in which Keras logs them.

    A metric of several numbers, one for each class for instance, is an array.
    """
    model._loss_tracker.update_state(loss)  # what a callback that asks the model itself is told
    results = {name: _plain(value) for name, value in model.get_metrics_result().items()}
    return dict(sorted((results | {"loss": loss}).items()))


def _plain(value: Any) -> Any:
    """Convert a metric's result to a number, or to an array if it holds several."""
    array = np.asarray(value)
    return array if array.shape else float(array)
