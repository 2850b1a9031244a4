"""Try on a few rows whether rows can be trained on apart: predictions, loss, metrics, state.

Each function `_of_...` looks for a reason against it in one place, and returns it or None.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from math import prod
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from models.fast.calls import nested_layers, replaced_calls
from models.fast.stock_fit import of_keras
from models.fast.unmoved import unmoved

_MODEL_ROWS = 3
_LOSS_ROWS = 61
_MOST_BYTES = 2**24
_DROPPING: tuple[type, ...] = (
    keras.layers.Dropout,
    keras.layers.AlphaDropout,
    keras.layers.GaussianDropout,
    keras.layers.GaussianNoise,
    keras.layers.SpatialDropout1D,
    keras.layers.SpatialDropout2D,
    keras.layers.SpatialDropout3D,
)
_CHANGING = (
    "Assign", "ResourceScatter", "ResourceApply", "ResourceSparseApply",
    "ResourceStridedSliceAssign", "LookupTableInsert", "LookupTableImport", "MutableHashTable",
)  # fmt: skip
_DRAWING = (
    "Random", "TruncatedNormal", "ParameterizedTruncatedNormal", "Multinomial", "NonDeterministic",
    "StatefulUniform", "StatefulStandardNormal", "StatefulTruncatedNormal", "StatefulRandom", "Rng",
)  # fmt: skip
_ELSEWHERE = ("PyFunc", "EagerPyFunc", "Print", "WriteFile", "QueueEnqueue")
_EFFECTS = {
    _CHANGING: "its layers change more than weights in training, as statistics or random seeds",
    _DRAWING: "one of its layers draws random numbers in a way of its own",
    _ELSEWHERE: "one of its layers runs code outside of the network",
}
"""Beginnings of the names of TensorFlow's operations that do more than compute a result."""


def rows_depend(model: keras.Model, x: Any, y: Any) -> str | None:
    """Say what makes a row's part in a training depend on the rows beside it; None if nothing does.

    Some rows are scored together and apart. A model that cannot be called at all is left to Keras,
    which then says what is wrong with it. State of the loss and the metrics, and random states, are
    as before afterwards.

    Args:
        model: Built and compiled, with one output and one loss.
        x: Inputs, tensors, `[row, ...]`.
        y: Targets, a tensor, `[row, ...]`.
    """
    try:
        with warnings.catch_warnings(), unmoved(model._compile_loss, model._compile_metrics):
            warnings.simplefilter("ignore")  # the training itself warns
            return _of_state(model, x) or _of_predictions(model, x, y) or _of_scores(model, x, y)
    except Exception as error:
        return f"a try with a few rows of the data raised {type(error).__name__}"
    finally:
        model.reset_metrics()


def _of_state(model: keras.Model, x: Any) -> str | None:
    """Find what a training call does besides computing its result, in its graph of operations."""
    if _is_plain(model):
        return None
    function = tf.function(lambda inputs: model(inputs, training=True), autograph=False)
    with replaced_calls(_dropping(model), _passed_on):
        graph = function.get_concrete_function(_spread(x, _MODEL_ROWS)).graph.as_graph_def()
    nodes = [*graph.node, *(n for each in graph.library.function for n in each.node_def)]
    for beginnings, reason in _EFFECTS.items():
        if any(node.op.startswith(beginnings) for node in nodes):
            return reason
    return None


def _is_plain(model: keras.Model) -> bool:
    """Whether a model and all of its layers are Keras' own, and keep nothing but their weights."""
    return all(_keeps_nothing(layer) for layer in [model, *nested_layers(model)])


def _keeps_nothing(layer: keras.layers.Layer) -> bool:
    """Whether a layer is one of Keras' own that keeps nothing but its weights."""
    if not of_keras(type(layer)) or isinstance(layer, keras.layers.Lambda) or "call" in vars(layer):
        return False
    passes_on = isinstance(layer, keras.Model) or type(layer) in _DROPPING
    return passes_on or not layer.non_trainable_variables


def _dropping(model: keras.Model) -> list[keras.layers.Layer]:
    """List the layers that drop units or add noise, each row for itself."""
    return [layer for layer in nested_layers(model) if type(layer) in _DROPPING]


def _passed_on(layer: keras.layers.Layer, values: Any, *_: Any, **__: Any) -> Any:
    """Stand in for a layer that drops units: pass on what it is given."""
    return values


def _of_predictions(model: keras.Model, x: Any, y: Any) -> str | None:
    """Predict a few rows together and apart, in training (nothing dropped) and in use."""
    inputs, targets = _spread((x, y), _MODEL_ROWS)
    # Where layers are Keras' own and nothing is dropped, both are the same.
    modes = (True,) if _is_plain(model) else (False, True)
    with replaced_calls(_dropping(model), _passed_on):
        for training in modes:
            with tf.GradientTape() as tape:
                together = model(inputs, training=training)
                reason = _of_output(model, together, len(targets))
                if reason:
                    return reason
                loss = model._compile_loss(targets, together)
                if loss.shape.rank != 0:
                    return "its loss is not one number a batch"
                total = tf.add_n([loss, *(tf.cast(each, loss.dtype) for each in model.losses)])
            apart = [model(part, training=training) for part in _parted(inputs, len(targets))]
            if not _alike(together, np.concatenate(apart), rtol=1e-4, atol=1e-5):
                return "its prediction of a row depends on the rows beside it"
        return _of_gradients(model, tape, total)


def _of_output(model: keras.Model, output: Any, rows: int) -> str | None:
    """Find a reason in a model's output for some rows, or in the losses that came with it."""
    if not isinstance(output, tf.Tensor) or output.shape.rank == 0:
        return "its output is not one tensor"
    if len(output) != rows:
        return "it does not predict one result a row"
    if getattr(output, "_keras_mask", None) is not None:
        return "its loss leaves out what is masked"
    if model.losses and len(model.losses) != _penalties(model):
        return "it adds losses of its own"
    return None


def _of_gradients(model: keras.Model, tape: tf.GradientTape, loss: Any) -> str | None:
    """Find a weight that no gradient reaches: Keras leaves it out of the step, with a warning."""
    weights = model.trainable_variables
    gradients = tape.gradient(loss, [v.value for v in weights])
    for weight, gradient in zip(weights, gradients, strict=True):
        if gradient is None:
            return f"its loss does not depend on its weight {weight.path}"
    return None


def _of_scores(model: keras.Model, x: Any, y: Any) -> str | None:
    """Score guesses together and apart, by the loss and by each metric that is not Keras' own.

    Guesses, drawn between 0 and 1, take the place of predictions, as those of an untrained model
    may all be alike.
    """
    predicted = model(_spread(x, 1), training=False)
    shape = predicted.shape[1:]
    fitting = _MOST_BYTES // max(1, prod(shape) * predicted.dtype.size)
    targets = _spread(y, max(_MODEL_ROWS, min(_LOSS_ROWS, fitting)))
    drawn = np.random.default_rng(0).uniform(0.01, 0.99, (len(targets), *shape))
    guesses = tf.cast(drawn, predicted.dtype)
    return _of_loss(model, targets, guesses) or _of_metrics(model, targets, guesses)


def _of_loss(model: keras.Model, targets: Any, predictions: Any) -> str | None:
    """Compare the loss of some rows with that of the first and that of the others."""
    loss = model._compile_loss
    whole = loss(targets, predictions)
    (single,) = loss._flat_losses
    kind = single.loss
    values = kind.call(*(tf.cast(each, kind.dtype) for each in (targets, predictions)))
    if values.shape.rank == 0 or len(values) != len(targets):
        return "its loss adds the rows up in a way of its own"
    if getattr(values, "_keras_mask", None) is not None:
        return "its loss leaves out some rows or steps"
    if len(targets) < 2:
        return None
    first, rest = (float(loss(*part)) for part in _parted((targets, predictions), len(targets)))
    mean = (first + (len(targets) - 1) * rest) / len(targets)
    if not _alike(whole, mean, rtol=1e-4, atol=1e-6):
        return "its loss of a row depends on the rows beside it"
    return None


def _of_metrics(model: keras.Model, targets: Any, predictions: Any) -> str | None:
    """Find a metric that another division of the rows into batches gives another value."""
    compiled = model._compile_metrics
    if compiled is None or all(_is_mean(m) for m in _asked_for(compiled)):
        return None
    results = []
    for parts in ([(targets, predictions)], _parted((targets, predictions), len(targets))):
        model.reset_metrics()
        for part in parts:
            compiled.update_state(*part)
        results.append(compiled.result())
    for name, value in results[0].items():
        if not _alike(value, results[1][name], rtol=1e-4, atol=1e-6):
            return f"its metric {name} depends on how the rows are divided into batches"
    return None


def _asked_for(compiled: Any) -> list[Any]:
    """List the metrics that a model was compiled with, as the user gave them."""
    asked: list[Any] = keras.tree.flatten([compiled._user_metrics, compiled._user_weighted_metrics])
    return [each for each in asked if each is not None]


def _is_mean(metric: Any) -> bool:
    """Whether a metric is known to be a mean over rows, or the root of one."""
    return isinstance(metric, str) or type(metric) is keras.metrics.RootMeanSquaredError


def _penalties(model: keras.Model) -> int:
    """Count the trainable variables that are penalised."""
    return sum(v.regularizer is not None for v in model.trainable_variables)


def _spread(rows: Any, count: int) -> Any:
    """Take some rows, evenly spread over all, the first and the last among them."""
    total = len(tf.nest.flatten(rows)[0])
    numbers = np.unique(np.linspace(0, total - 1, min(count, total)).round().astype(np.int32))
    return tf.nest.map_structure(lambda leaf: tf.gather(leaf, numbers), rows)


def _parted(rows: Any, count: int) -> Sequence[Any]:
    """Part rows into the first and the others; leave a single row as it is."""
    if count < 2:
        return [rows]
    return [
        tf.nest.map_structure(lambda leaf: leaf[:1], rows),
        tf.nest.map_structure(lambda leaf: leaf[1:], rows),
    ]


def _alike(one: Any, other: Any, *, rtol: float, atol: float) -> bool:
    """Whether two results, numbers or arrays, are the same up to rounding."""
    ours, theirs = (np.asarray(v, np.float64) for v in (one, other))
    return bool(np.allclose(ours, theirs, rtol=rtol, atol=atol, equal_nan=True))
