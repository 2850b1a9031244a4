"""Decide whether the fast trainer can train a model, and if not, say why.

The fast trainer can train a model where the gradient of a batch is the sum of the gradients of its
chunks of rows, where nothing but weights and metrics changes, and where no callback listens to
single batches. What it cannot do exactly as Keras' `fit` does, it leaves to Keras' `fit`, mistakes
in the call included, so that Keras tells of them in its own words.

Each function `_of_...` looks for a reason in one place, and returns the reason or None.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from models.fast.calls import nested_layers
from models.fast.hearing import HearsRows
from models.fast.passes import tensors
from models.fast.rowwise import rows_depend
from models.fast.stock_fit import of_keras

_BATCH_HOOKS = ("on_batch_begin", "on_batch_end", "on_train_batch_begin", "on_train_batch_end")
_TEST_HOOKS = ("on_test_batch_begin", "on_test_batch_end")
_TRAINERS = tuple(
    kind for kind in keras.Model.__mro__ if kind.__name__ in ("Trainer", "TensorFlowTrainer")
)
_OTHER_METHODS = {
    "__call__", "losses", "trainable_variables", "trainable_weights", "non_trainable_variables",
}  # fmt: skip
_HARMLESS = {
    "compile", "fit", "loss", "predict", "predict_step", "predict_on_batch",
    "make_predict_function", "train_on_batch", "test_on_batch", "get_compile_config",
    "compile_from_config",
}  # fmt: skip
_TRAINING_METHODS = {
    name
    for kind in _TRAINERS
    for name, value in vars(kind).items()
    if not name.startswith("__") and (callable(value) or isinstance(value, property))
} - _HARMLESS | _OTHER_METHODS


def why_not(
    model: keras.Model,
    x: Any,
    y: Any,
    *,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    batch_size: int = 32,
) -> str | None:
    """Say why `fast_fit` cannot stand in for Keras' `fit`; None where it can.

    A few rows are scored together and apart, since neither the prediction nor the loss of a row
    may depend on the rows beside it.

    Args:
        model: Any.
        x: Inputs, `[row, ...]`.
        y: Targets, `[row, ...]`.
        callbacks: What will watch the training.
        batch_size: Rows a step.

    Returns:
        A few words that follow "since", say "it runs eagerly".
    """
    reason = (
        why_not_arrays(x, y)
        or _of_surroundings(model)
        or _of_class(model)
        or _of_compiling(model)
        or _of_optimizer(model)
        or _of_layers(model)
    )
    if reason is None:
        # Where an epoch is one step, the fast trainer calls the hooks of its one batch.
        steps = len(tf.nest.flatten(x)[0]) > batch_size
        reason = _of_callbacks(callbacks, _TEST_HOOKS + _BATCH_HOOKS if steps else _TEST_HOOKS)
    return reason or rows_depend(model, *tensors((x, y))[0])


def why_not_arrays(x: Any, y: Any) -> str | None:
    """Say what is wrong with rows as data of the fast trainer; None if nothing is.

    Args:
        x: Should be an array, or a structure of them, `[row, ...]`.
        y: Should be one array, `[row, ...]`.
    """
    leaves = keras.tree.flatten(x)
    if not leaves or not all(_is_array(leaf) for leaf in [*leaves, *keras.tree.flatten(y)]):
        return "its data are not arrays"
    if not _is_array(y):
        return "its targets are not a single array"
    if len({len(leaf) for leaf in [*leaves, y]}) > 1:
        return "its arrays have different numbers of rows"
    return None if len(y) else "its data have no rows"


def _is_array(leaf: Any) -> bool:
    """Whether something is an array or a tensor of at least one dimension."""
    return isinstance(leaf, np.ndarray | tf.Tensor) and len(leaf.shape) > 0


def _of_surroundings(model: keras.Model) -> str | None:
    """Find a reason against the fast trainer in what is set for the whole process."""
    if getattr(model, "_distribute_strategy", None) is not None or tf.distribute.has_strategy():
        return "it belongs to a distribution strategy"
    if keras.distribution.distribution() is not None:
        return "a distribution of its variables is set"
    if tf.config.functions_run_eagerly():
        return "TensorFlow's functions run eagerly"
    if keras.config.max_epochs() or keras.config.max_steps_per_epoch():
        return "Keras limits the epochs or steps of every training"
    return None


def _of_class(model: keras.Model) -> str | None:
    """Find a reason against the fast trainer in a model's class."""
    own = [kind for kind in type(model).__mro__ if not of_keras(kind) and kind is not object]
    names = {name for kind in own for name in vars(kind)}
    names |= {name for name in vars(model) if callable(getattr(type(model), name, None))}
    changed = sorted(names & _TRAINING_METHODS)
    if changed:
        return f"it has a `{changed[0]}` of its own"
    if not getattr(model, "built", False) or not getattr(model, "outputs", None):
        return "its outputs are not known before it is called"
    if len(model.outputs) != 1:
        return "it has several outputs"
    if any(each.shape[0] is not None for each in model.inputs):
        return "it takes batches of one size only"
    if getattr(model, "_initial_epoch", None):
        return "it goes on at a later epoch"
    return None


def _of_compiling(model: keras.Model) -> str | None:
    """Find a reason against the fast trainer in how a model was compiled."""
    if not model.compiled:
        return "it is not compiled"
    if model.run_eagerly:
        return "it runs eagerly"
    if not isinstance(model.loss, str | keras.losses.Loss) and not callable(model.loss):
        return "it has several losses" if model.loss else "it has no loss"
    if not isinstance(model.steps_per_execution, int) or model.steps_per_execution != 1:
        return "it was compiled with `steps_per_execution`"
    if model.jit_compile and not model._resolve_auto_jit_compile():
        return "it was compiled with `jit_compile`"
    return None


def _of_optimizer(model: keras.Model) -> str | None:
    """Find a reason against the fast trainer in a model's optimizer, or in what it trains."""
    optimizer = model.optimizer
    if not isinstance(optimizer, keras.optimizers.Optimizer):
        return "it has no optimizer of Keras'"
    scaling = getattr(optimizer, "loss_scale_factor", None) is not None
    kind = keras.optimizers.Optimizer
    if isinstance(optimizer, keras.optimizers.LossScaleOptimizer) or scaling:
        return "its optimizer scales the loss"
    if _overridden(optimizer, kind, "scale_loss"):
        return "its optimizer scales the loss"
    if getattr(optimizer, "gradient_accumulation_steps", None):
        return "its optimizer accumulates steps"
    if getattr(optimizer, "steps_by_row", False):  # ours: `models.optimizers.by_row`
        return "its optimizer steps by row"
    if not model.trainable_variables:
        return "it has nothing to train"
    if any(v.dtype != keras.config.floatx() for v in model.trainable_variables):
        return f"not all of its weights are {keras.config.floatx()}"
    return None


def _overridden(thing: object, base: type, name: str) -> bool:
    """Whether an object or its class overrides the method `name` of `base`."""
    return name in vars(thing) or getattr(type(thing), name) is not getattr(base, name)


def _of_layers(model: keras.Model) -> str | None:
    """Find a reason against the fast trainer in one of the layers, nested ones included."""
    for layer in nested_layers(model):
        what = _of_layer(layer)
        if what:
            return f"its layer {layer.name} ({type(layer).__name__}) {what}"
    return None


def _of_layer(layer: keras.layers.Layer) -> str | None:
    """Find a reason against the fast trainer in a layer, in words that follow its name."""
    if isinstance(layer, keras.layers.BatchNormalization) and layer.trainable:
        return "reads across rows"
    if getattr(layer, "activity_regularizer", None) is not None:
        return "penalises activities"
    if getattr(layer, "stateful", False):
        return "keeps state from batch to batch"
    if (getattr(layer, "noise_shape", None) or [None])[0] is not None:
        return "drops the same units of every row"
    if getattr(layer, "lora_enabled", False) or getattr(layer, "quantization_mode", None):
        return "has weights of another kind beside its own"
    return None


def _of_callbacks(
    callbacks: Sequence[keras.callbacks.Callback], hooks: Sequence[str]
) -> str | None:
    """Find a callback that has one of `hooks`, which the fast trainer does not call."""
    for callback in callbacks:
        name = type(callback).__name__
        if not isinstance(callback, keras.callbacks.Callback):
            return f"its callback {name} is not a `keras.callbacks.Callback`"
        if isinstance(callback, keras.callbacks.CallbackList):
            return "its callbacks are a CallbackList"
        if isinstance(callback, keras.callbacks.BackupAndRestore):
            return f"its callback {name} chooses the first epoch"
        # A checkpoint has the hooks of batches, and does nothing in them if it saves by epoch.
        by_epoch = getattr(callback, "save_freq", None) == "epoch"
        checkpoint = isinstance(callback, keras.callbacks.ModelCheckpoint) and by_epoch
        base = keras.callbacks.ModelCheckpoint if checkpoint else keras.callbacks.Callback
        if isinstance(callback, HearsRows):  # which the fast trainer tells of its rows itself
            base = HearsRows
        if any(_overridden(callback, base, hook) for hook in hooks):
            return f"its callback {name} listens to batches"
    return None
