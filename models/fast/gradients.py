"""Compute a large batch's gradient some thousand rows (a chunk) at a time, and add up."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import keras
import tensorflow as tf

from models.fast.dropout_masks import Masks, every_layer
from models.fast.shares import Chunks, bounds, count_rows, slice_rows

Loss = Callable[[Any, Any], Any]


def mean_loss(model: keras.Model) -> Loss:
    """Return a compiled model's loss as a function of targets and predictions.

    It is the very object that Keras' `fit` calls, so weights of losses and types of targets are
    Keras' own. Its value is a scalar, the mean over the rows: for mean squared error, targets
    [3, 2] and predictions [3, 4] it is 2.

    Args:
        model: Compiled with one loss.
    """
    compiled: Loss = model._compile_loss
    return compiled


class GradientSum:
    """Adds up a batch's gradient over chunks (at most 4,096 rows each); penalties are added once.

    The gradient of a mean over N rows is the sum over chunks of n/N times the gradient of the mean
    over a chunk's n rows, in any partition: of 3 rows with the gradients 1, 2 and 6, chunks of 2
    and 1 give 2/3 * 1.5 + 1/3 * 6 = 3.

    Shares of the rows are worked through at once, and added up in their order, so that the result
    depends on the number of shares and on nothing else. Embedding tables collect the gradients of
    the rows that were looked up, by scattered addition, so that no chunk needs a whole table.
    """

    def __init__(
        self,
        model: keras.Model,
        loss: Loss,
        masks: Masks,
        share_count: int = 1,
        row_bytes: int = 0,
    ) -> None:
        """Create the variables that hold the sums, at zero.

        Args:
            model: Built.
            loss: Mean loss of targets and predictions, as `mean_loss` returns it.
            masks: The masks of its dropout layers.
            share_count: How many shares of the rows are worked through at once.
            row_bytes: What the results of the model's layers take for a row.
        """
        self._model = model
        self._loss = loss
        self._masks = masks
        self._share_count = share_count
        self._chunks = Chunks(model, row_bytes)
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
    def most_at_once(self) -> int:
        """Rows of the largest batch that needs no chunks."""
        return self._chunks.rows * self._share_count

    @property
    def dtype(self) -> tf.DType:
        """Type of losses and gradients."""
        return self._weights[0].dtype

    def _zeros(self, whole: bool) -> list[tf.Variable | None]:
        """Make one thread's gradient sums: of all weights if `whole`, else of embedding tables."""
        return [
            tf.Variable(tf.zeros_like(w), trainable=False) if whole or is_table else None
            for w, is_table in zip(self._weights, self._is_table, strict=True)
        ]

    def reset(self) -> None:
        """Set every sum to zero."""
        for total in (self._total, *(total for sums in self._sums for total in sums)):
            if total is not None:
                total.assign(tf.zeros_like(total))

    def add(self, rows: Any, *, share: Any) -> None:
        """Add the gradients of some rows to the sums, and update the model's metrics.

        Args:
            rows: Inputs, targets and masks, each `[row, ...]`.
            share: Weight of one row: 1/N, of N rows in the batch.
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
        """Add up the gradients of one thread's rows, some thousand rows (a chunk) at a time.

        Returns:
            Predictions, loss and the summed gradients of all weights but the embedding tables,
            whose gradients are added to `sums`.
        """

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
        """Return loss and dense gradients of all rows added since `reset`, penalties included."""
        gradients = [
            _sum([total.read_value() for total in sums if total is not None])
            for sums in zip(*self._sums, strict=True)
        ]
        return self._with_penalties(self._total.read_value(), gradients)

    def at_once(self, rows: Any) -> tuple[Any, list[Any]]:
        """Return loss and gradients of a small batch; each thread computes its rows all at once."""
        count = count_rows(rows)
        parts = []
        for first, last in bounds(count, self._share_count):
            weight = tf.cast(last - first, self.dtype) / tf.cast(count, self.dtype)
            # The mean over no rows is no number: an empty share borrows a row, with weight 0.
            end = tf.maximum(last, first + 1)
            loss, predicted, gradient = self._chunk(*slice_rows(rows, first, end), weight)
            parts.append((loss, predicted[: last - first], gradient))
        losses, predictions, gradients = zip(*parts, strict=True)
        self._note(rows, tf.concat(predictions, 0))
        by_weight = zip(*gradients, strict=True)
        dense = [_sum([dense_gradient(part) for part in parts]) for parts in by_weight]
        return self._with_penalties(_sum(losses), dense)

    def _of_chunk(
        self, inputs: Any, targets: Any, masks: Any, weight: Any
    ) -> tuple[Any, Any, Sequence[Any]]:
        """Compute the weighted loss, predictions and (dense or sparse) gradients of some rows."""
        with tf.GradientTape() as tape, self._masks.applied(masks):
            predictions = self._model(inputs, training=True)
            loss = self._loss(targets, predictions) * weight
        return (
            loss,
            predictions,
            tape.gradient(loss, self._weights, unconnected_gradients="zero"),
        )

    def _note(self, rows: Any, predictions: Any) -> None:
        """Update the model's metrics."""
        inputs, targets, _ = rows
        self._model.compute_metrics(inputs, targets, predictions)

    def _with_penalties(self, loss: Any, gradients: list[Any]) -> tuple[Any, list[Any]]:
        """Add the penalties to a loss and their gradients to its gradients."""
        with tf.GradientTape() as tape:
            penalty = penalties(self._model, self.dtype)
        extra = tape.gradient(penalty, self._weights)
        whole = [g if e is None else g + e for g, e in zip(gradients, extra, strict=True)]
        return loss + penalty, whole


def penalties(model: keras.Model, dtype: Any) -> Any:
    """Add up the penalties of a model's weights: a scalar."""
    return tf.add_n([tf.zeros([], dtype), *(tf.cast(each, dtype) for each in model.losses)])


def dense_gradient(gradient: Any) -> Any:
    """Make a sparse gradient dense by adding up each table row's slices; keep a dense one as is."""
    if not isinstance(gradient, tf.IndexedSlices):
        return gradient
    rows = tf.cast(gradient.dense_shape[0], tf.int32)
    return tf.math.unsorted_segment_sum(gradient.values, gradient.indices, rows)


def _sum(parts: Sequence[Any]) -> Any:
    """Add tensors up in their order, first to last."""
    total = parts[0]
    for part in parts[1:]:
        total += part
    return total
