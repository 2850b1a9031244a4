"""Decide whether the fast trainer can train a model, and if not, say why.

The fast trainer can train a model where the gradient of a batch is the sum of the gradients of its
chunks of rows, and where no callback listens to single batches.

Each function `_of_...` looks for a reason in one place, and returns the reason or None.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from models.fast.dropout_masks import every_layer
from models.fast.gradients import mean_loss

_ROWS = 2
_BATCH_HOOKS = ("on_batch_begin", "on_batch_end", "on_train_batch_begin", "on_train_batch_end")
_TEST_HOOKS = ("on_test_batch_begin", "on_test_batch_end")
_STEPS = ("train_step", "test_step", "compute_loss", "compute_metrics")


def why_not(
    model: keras.Model,
    x: Any,
    y: Any,
    *,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    batch_size: int = 32,
) -> str | None:
    """Say why `fast_fit` cannot stand in for Keras' `fit`; None where it can.

    Two rows are scored together and apart, since neither the prediction nor the loss of a row may
    depend on the rows beside it.

    Args:
        model: Built and compiled.
        x: Inputs, `[row, ...]`.
        y: Targets, `[row, ...]`.
        callbacks: What will watch the training.
        batch_size: Rows a step.

    Returns:
        A few words that follow "since", say "it runs eagerly".
    """
    reason = _of_data(x, y) or _of_compiling(model) or _of_layers(model)
    if reason is None:
        # Where an epoch is one step, the fast trainer calls the hooks of its one batch.
        steps = len(tf.nest.flatten(x)[0]) > batch_size
        reason = _of_callbacks(callbacks, _TEST_HOOKS + _BATCH_HOOKS if steps else _TEST_HOOKS)
    return reason or _of_rows(model, x, y)


def _of_data(x: Any, y: Any) -> str | None:
    """Find a reason against the fast trainer in the data."""
    leaves = tf.nest.flatten((x, y))
    if all(isinstance(leaf, np.ndarray | tf.Tensor) for leaf in leaves) and len(leaves[0]):
        return None
    return "its data are not arrays"


def _of_compiling(model: keras.Model) -> str | None:
    """Find a reason against the fast trainer in the model's class or in how it was compiled."""
    changed = [name for name in _STEPS if _overridden(model, keras.Model, name)]
    if changed:
        return f"it has a `{changed[0]}` of its own"
    if model.run_eagerly:
        return "it runs eagerly"
    if not isinstance(model.loss, str | keras.losses.Loss) and not callable(model.loss):
        return "it has several losses"
    if len(model.outputs) != 1:
        return "it has several outputs"
    optimizer = model.optimizer
    if isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
        return "its optimizer scales the loss"
    if getattr(optimizer, "gradient_accumulation_steps", None):
        return "its optimizer accumulates steps"
    if not model.trainable_variables:
        return "it has nothing to train"
    return None


def _overridden(thing: object, base: type, name: str) -> bool:
    """Whether an object or its class overrides the method `name` of `base`."""
    return name in vars(thing) or getattr(type(thing), name) is not getattr(base, name)


def _of_layers(model: keras.Model) -> str | None:
    """Find a reason against the fast trainer in one of the layers."""
    for layer in every_layer(model):
        kind = type(layer).__name__
        if isinstance(layer, keras.layers.BatchNormalization) and layer.trainable:
            return f"its layer {layer.name} ({kind}) reads across rows"
        if getattr(layer, "activity_regularizer", None) is not None:
            return f"its layer {layer.name} ({kind}) penalises activities"
        if getattr(layer, "stateful", False):
            return f"its layer {layer.name} ({kind}) keeps state from batch to batch"
    return None


def _of_callbacks(
    callbacks: Sequence[keras.callbacks.Callback], hooks: Sequence[str]
) -> str | None:
    """Find a callback that has one of `hooks`, which the fast trainer does not call."""
    for callback in callbacks:
        if isinstance(callback, keras.callbacks.BackupAndRestore):
            return "its callback BackupAndRestore chooses the first epoch"
        if isinstance(callback, keras.callbacks.ModelCheckpoint) and callback.save_freq == "epoch":
            continue  # it has the hooks of batches, and does nothing in them
        for hook in hooks:
            if _overridden(callback, keras.callbacks.Callback, hook):
                return f"its callback {type(callback).__name__} listens to batches"
    return None


def _of_rows(model: keras.Model, x: Any, y: Any) -> str | None:
    """Predict two rows together and one by one; return which result differs, None if none does."""

    def rows(first: int, last: int) -> tuple[Any, Any]:
        taken: tuple[Any, Any] = tf.nest.map_structure(
            lambda leaf: tf.convert_to_tensor(leaf[first:last]), (x, y)
        )
        return taken

    count = min(_ROWS, len(tf.nest.flatten(x)[0]))
    loss = mean_loss(model)
    inputs, targets = rows(0, count)
    together = model(inputs, training=False)
    apart = [model(rows(n, n + 1)[0], training=False) for n in range(count)]
    if not np.allclose(together, np.concatenate(apart), rtol=1e-4, atol=1e-5, equal_nan=True):
        return "its prediction of a row depends on the rows beside it"
    if model.losses and len(model.losses) != _penalties(model):
        return "it adds losses of its own"
    losses = [float(loss(rows(n, n + 1)[1], apart[n])) for n in range(count)]
    whole = float(loss(targets, together))
    if not np.isclose(whole, np.mean(losses), rtol=1e-4, atol=1e-6, equal_nan=True):
        return "its loss of a row depends on the rows beside it"
    return None


def _penalties(model: keras.Model) -> int:
    """Count the trainable variables that are penalised."""
    return sum(v.regularizer is not None for v in model.trainable_variables)
