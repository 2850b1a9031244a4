"""The gradient of a whole batch, added up over chunks of rows that stay in cache."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import keras
import tensorflow as tf

from models.fast.dropout_masks import Masks, every_layer
from models.fast.shares import Chunks, bounds, count_rows, slice_rows

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
    n rows, in any partition. Shares of the rows are worked through at once, and added up in their
    order, so that a result depends on their number and on nothing else. Tables that are looked up
    collect their rows' gradients by scattered addition: what is added is what was looked up, and
    not a table a chunk.
    """

    def __init__(self, model: keras.Model, loss: Loss, masks: Masks, share_count: int = 1) -> None:
        """Make the sums, at zero.

        Args:
            model: Built.
            loss: Mean loss of targets and predictions.
            masks: Of its dropout layers.
            share_count: Shares that are worked through at once.
        """
        self._model = model
        self._loss = loss
        self._masks = masks
        self._share_count = share_count
        self._chunks = Chunks(model)
        self._chunk = tf.function(self._of_chunk, reduce_retracing=True)
        self._weights = [v.value for v in model.trainable_variables]
        lookups = {
            layer.embeddings.path
            for layer in every_layer(model)
            if isinstance(layer, keras.layers.Embedding)
        }
        self._is_table = [v.path in lookups for v in model.trainable_variables]
        self._sums = [self._zeros(share == 0) for share in range(share_count)]
        self._total = tf.Variable(tf.zeros([], self.dtype), trainable=False)

    @property
    def dtype(self) -> tf.DType:
        """Of losses and gradients."""
        return self._weights[0].dtype

    def _zeros(self, whole: bool) -> list[tf.Variable | None]:
        """Sums of one share: of the tables, and if `whole`, of every weight."""
        return [
            tf.Variable(tf.zeros_like(w), trainable=False) if whole or is_table else None
            for w, is_table in zip(self._weights, self._is_table, strict=True)
        ]

    def reset(self) -> None:
        """Start anew at zero."""
        for total in (self._total, *(each for sums in self._sums for each in sums)):
            if total is not None:
                total.assign(tf.zeros_like(total))

    def add(self, rows: Any, *, share: Any) -> None:
        """Add some rows, a chunk at a time; the model's metrics take note of them.

        Args:
            rows: Inputs, targets and masks, `[row, ...]` each.
            share: What one row counts: 1/N.
        """
        parts = [
            self._add_share(rows, first, last, sums, share)
            for (first, last), sums in zip(
                bounds(count_rows(rows), self._share_count), self._sums, strict=True
            )
        ]
        for _, loss, *dense in parts:
            self._total.assign_add(loss)
            rest = iter(dense)
            for total, is_table in zip(self._sums[0], self._is_table, strict=True):
                if total is not None and not is_table:
                    total.assign_add(next(rest))
        self._note(rows, tf.concat([predictions for predictions, *_ in parts], 0))

    def _add_share(
        self, rows: Any, first: Any, last: Any, sums: Sequence[Any], share: Any
    ) -> tuple[Any, ...]:
        """Predictions, loss and dense sums of a share; its tables' sums are added to."""

        def work(begin: Any, end: Any, loss: Any, *totals: Any) -> tuple[Any, ...]:
            weight = tf.cast(end - begin, self.dtype) * share
            part, predictions, gradients = self._chunk(*slice_rows(rows, begin, end), weight)
            rest = iter(totals)
            added = []
            for gradient, total, is_table in zip(gradients, sums, self._is_table, strict=True):
                if not is_table:
                    added.append(next(rest) + dense_gradient(gradient))
                elif isinstance(gradient, tf.IndexedSlices):
                    total.scatter_add(gradient)
                else:
                    total.assign_add(gradient)
            return (predictions, loss + part, *added)

        dense = [w for w, t in zip(self._weights, self._is_table, strict=True) if not t]
        zeros = [tf.zeros([], self.dtype), *[tf.zeros_like(w) for w in dense]]
        return self._chunks.run(first, last, work, *zeros)

    def result(self) -> tuple[Any, list[Any]]:
        """The loss and the dense gradients of what was added, penalties included."""
        gradients = [
            _sum([each.read_value() for each in sums if each is not None])
            for sums in zip(*self._sums, strict=True)
        ]
        return self._with_penalties(self._total.read_value(), gradients)

    def at_once(self, rows: Any) -> tuple[Any, list[Any]]:
        """The same of rows that are a whole batch and one chunk a share; no sum is changed."""
        count = count_rows(rows)
        parts = []
        for first, last in bounds(count, self._share_count):
            weight = tf.cast(last - first, self.dtype) / tf.cast(count, self.dtype)
            parts.append(self._chunk(*slice_rows(rows, first, last), weight))
        losses, predictions, gradients = zip(*parts, strict=True)
        self._note(rows, tf.concat(predictions, 0))
        each = zip(*gradients, strict=True)
        dense = [_sum([dense_gradient(part) for part in parts]) for parts in each]
        return self._with_penalties(_sum(losses), dense)

    def _of_chunk(
        self, inputs: Any, targets: Any, masks: Any, weight: Any
    ) -> tuple[Any, Any, Sequence[Any]]:
        """A chunk's weighted loss, its predictions, and the gradient, which may be slices."""
        with tf.GradientTape() as tape, self._masks.applied(masks):
            predictions = self._model(inputs, training=True)
            loss = self._loss(targets, predictions) * weight
        return (
            loss,
            predictions,
            tape.gradient(loss, self._weights, unconnected_gradients="zero"),
        )

    def _note(self, rows: Any, predictions: Any) -> None:
        inputs, targets, _ = rows
        self._model.compute_metrics(inputs, targets, predictions)

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


def _sum(parts: Sequence[Any]) -> Any:
    """Tensors added up in their order."""
    total = parts[0]
    for part in parts[1:]:
        total += part
    return total
