"""The gradient of a whole batch, added up over chunks of rows that stay in cache."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import keras
import tensorflow as tf

from models.fast.masks import Masks, every_layer

Loss = Callable[[Any, Any], Any]


def mean_loss(model: keras.Model) -> Loss:
    """The compiled loss as a function of targets and predictions: a scalar, the rows' mean."""
    compiled = keras.losses.get(model.loss)
    if isinstance(compiled, keras.losses.Loss):
        whole: Loss = compiled
        return whole

    def mean(targets: Any, predictions: Any) -> Any:
        if targets.shape.rank == predictions.shape.rank - 1 and predictions.shape[-1] == 1:
            targets = targets[..., None]
        return tf.reduce_mean(compiled(targets, predictions))

    return mean


class GradientSum:
    """Gradient of (mean of the rows' losses + penalties) in a model's trainable variables.

    The gradient of a mean over N rows is the sum of n/N times that of each chunk's mean over its
    n rows, in any partition. Tables that are looked up collect their rows' gradients by scattered
    addition, so what is added is what was looked up and not a table a chunk.
    """

    def __init__(self, model: keras.Model, loss: Loss, masks: Masks) -> None:
        """Make the sums, at zero.

        Args:
            model: Built.
            loss: Mean loss of targets and predictions.
            masks: Of its dropout layers.
        """
        self._model = model
        self._loss = loss
        self._masks = masks
        self._weights = [v.value for v in model.trainable_variables]
        self._sums = [tf.Variable(tf.zeros_like(w), trainable=False) for w in self._weights]
        self._total = tf.Variable(tf.zeros([], self.dtype), trainable=False)
        lookups = {
            layer.embeddings.path
            for layer in every_layer(model)
            if isinstance(layer, keras.layers.Embedding)
        }
        self._is_table = [v.path in lookups for v in model.trainable_variables]

    @property
    def dtype(self) -> tf.DType:
        """Of losses and gradients."""
        return self._weights[0].dtype

    def reset(self) -> None:
        """Start anew at zero."""
        for total in (*self._sums, self._total):
            total.assign(tf.zeros_like(total))

    def add(self, take: Any, first: Any, last: Any, *, share: Any, chunk_rows: int) -> None:
        """Add the rows from `first` to before `last`, a chunk at a time.

        Args:
            take: Gives inputs, targets and masks of the rows from a start to before a stop.
            first: A scalar.
            last: A scalar.
            share: What one row counts: 1/N.
            chunk_rows: Most rows at a time.
        """
        dense = [w for w, t in zip(self._weights, self._is_table, strict=True) if not t]
        start = (first, tf.zeros([], self.dtype), *[tf.zeros_like(w) for w in dense])

        def body(begin: Any, loss: Any, *sums: Any) -> tuple[Any, ...]:
            end = tf.minimum(begin + chunk_rows, last)
            inputs, targets, masks = take(begin, end)
            weight = tf.cast(end - begin, self.dtype) * share
            part, gradients = self._of(inputs, targets, masks, weight)
            rest = iter(sums)
            added = []
            for gradient, total, is_table in self._each(gradients):
                if not is_table:
                    added.append(next(rest) + dense_gradient(gradient))
                elif isinstance(gradient, tf.IndexedSlices):
                    total.scatter_add(gradient)
                else:
                    total.assign_add(gradient)
            return (end, loss + part, *added)

        _, loss, *sums = tf.while_loop(
            lambda begin, *_: begin < last, body, start, parallel_iterations=1
        )
        self._total.assign_add(loss)
        rest = iter(sums)
        for _, total, is_table in self._each(self._sums):
            if not is_table:
                total.assign_add(next(rest))

    def result(self) -> tuple[Any, list[Any]]:
        """The loss and the dense gradients of what was added, penalties included."""
        return self._with_penalties(self._total.read_value(), [t.read_value() for t in self._sums])

    def at_once(self, inputs: Any, targets: Any, masks: Sequence[Any]) -> tuple[Any, list[Any]]:
        """The same of rows that are one chunk and a whole batch; the sums are left alone."""
        loss, gradients = self._of(inputs, targets, masks, 1.0)
        return self._with_penalties(loss, [dense_gradient(g) for g in gradients])

    def _each(self, values: Sequence[Any]) -> Any:
        return zip(values, self._sums, self._is_table, strict=True)

    def _of(self, inputs: Any, targets: Any, masks: Any, share: Any) -> tuple[Any, Sequence[Any]]:
        """A chunk's share of loss and gradient, which may be slices; the metrics take note."""
        with tf.GradientTape() as tape, self._masks.applied(masks):
            predictions = self._model(inputs, training=True)
            loss = self._loss(targets, predictions) * share
        self._model.compute_metrics(inputs, targets, predictions)
        gradients = tape.gradient(loss, self._weights, unconnected_gradients="zero")
        return loss, gradients

    def _with_penalties(self, loss: Any, gradients: list[Any]) -> tuple[Any, list[Any]]:
        with tf.GradientTape() as tape:
            penalty = penalties(self._model, self.dtype)
        extra = tape.gradient(penalty, self._weights)
        whole = [g if e is None else g + e for g, e in zip(gradients, extra, strict=True)]
        return loss + penalty, whole


def penalties(model: keras.Model, dtype: Any) -> Any:
    """Sum of the weights' penalties, a scalar."""
    return tf.add_n([tf.zeros([], dtype), *(tf.cast(each, dtype) for each in model.losses)])


def dense_gradient(gradient: Any) -> Any:
    """Slices of one row added up; a dense gradient as it is."""
    if not isinstance(gradient, tf.IndexedSlices):
        return gradient
    rows = tf.cast(gradient.dense_shape[0], tf.int32)
    return tf.math.unsorted_segment_sum(gradient.values, gradient.indices, rows)
