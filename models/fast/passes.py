"""One pass over the train rows and one over the validation rows, in compiled functions."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from models.fast.gradients import GradientSum, Loss, penalties
from models.fast.masks import Masks

CHUNK_ROWS = 4096
BLOCK_ROWS = 65_536


class TrainPass:
    """An epoch of training: one step over all rows, or one a shuffled batch.

    Masks are drawn for a block of rows at a time, so that memory does not grow with the rows.
    """

    def __init__(
        self, model: keras.Model, loss: Loss, rows: tuple[Any, Any], *, batch_size: int
    ) -> None:
        """Keep the rows as tensors; nothing is traced yet."""
        self._model = model
        self._rows, self._count = _tensors(rows)
        self._batch_size = min(batch_size, self._count)
        self._masks = Masks(model, _slice(self._rows[0], 0, min(2, self._count)))
        self._sum = GradientSum(model, loss, self._masks)
        model.optimizer.build(model.trainable_variables)
        self._add = tf.function(self._add_block)
        self._step = tf.function(self._apply_sum)
        self._batches = tf.function(self._train_batches)

    @property
    def steps(self) -> int:
        """Steps of an epoch."""
        return -(-self._count // self._batch_size)

    def run(self, *, shuffle: bool) -> float:
        """Train one epoch; the loss, each batch before its own step.

        Args:
            shuffle: Whether batches are drawn anew, from NumPy's seeded generator.
        """
        if self.steps == 1:
            for first in range(0, self._count, BLOCK_ROWS):
                last = min(first + BLOCK_ROWS, self._count)
                self._add(tf.constant(first), tf.constant(last), self._masks.draw(last - first))
            return float(self._step())
        order = np.arange(self._count, dtype=np.int32)
        if shuffle:
            np.random.shuffle(order)
        block = max(1, BLOCK_ROWS // self._batch_size) * self._batch_size
        total = 0.0
        for first in range(0, self._count, block):
            picked = order[first : first + block]
            total += float(self._batches(tf.constant(picked), self._masks.draw(len(picked))))
        return total / self._count

    def _add_block(self, first: Any, last: Any, masks: list[Any]) -> None:
        def take(begin: Any, end: Any) -> Any:
            return (
                *_slice(self._rows, begin, end),
                _slice(masks, begin - first, end - first),
            )

        self._sum.add(take, first, last, share=1 / self._count, chunk_rows=CHUNK_ROWS)

    def _apply_sum(self) -> Any:
        loss, gradients = self._sum.result()
        self._model.optimizer.apply(gradients, self._model.trainable_variables)
        self._sum.reset()
        return loss

    def _train_batches(self, order: Any, masks: list[Any]) -> Any:
        count = tf.shape(order)[0]

        def take(begin: Any, end: Any) -> Any:
            picked = order[begin:end]
            rows = tf.nest.map_structure(lambda t: tf.gather(t, picked), self._rows)
            return (*rows, _slice(masks, begin, end))

        def body(first: Any, total: Any) -> tuple[Any, Any]:
            last = tf.minimum(first + self._batch_size, count)
            rows = tf.cast(last - first, total.dtype)
            if self._batch_size <= CHUNK_ROWS:
                loss, gradients = self._sum.at_once(*take(first, last))
                self._model.optimizer.apply(gradients, self._model.trainable_variables)
            else:
                self._sum.add(take, first, last, share=1 / rows, chunk_rows=CHUNK_ROWS)
                loss = self._apply_sum()
            return last, total + loss * rows

        start = (tf.constant(0), tf.zeros([], self._sum.dtype))
        _, total = tf.while_loop(lambda first, _: first < count, body, start, parallel_iterations=1)
        return total


class ValidationPass:
    """The loss of rows that are not trained on; the model's metrics take note."""

    def __init__(self, model: keras.Model, loss: Loss, rows: tuple[Any, Any]) -> None:
        """Keep the rows as tensors; nothing is traced yet."""
        self._model = model
        self._loss = loss
        self._rows, self._count = _tensors(rows)
        self._traced = tf.function(self._pass)

    def run(self) -> float:
        """Score the rows; the loss, penalties included."""
        return float(self._traced())

    def _pass(self) -> Any:
        dtype = self._model.trainable_variables[0].value.dtype

        def body(first: Any, total: Any) -> tuple[Any, Any]:
            last = tf.minimum(first + CHUNK_ROWS, self._count)
            inputs, targets = _slice(self._rows, first, last)
            predictions = self._model(inputs, training=False)
            self._model.compute_metrics(inputs, targets, predictions)
            share = tf.cast(last - first, dtype) / self._count
            return last, total + self._loss(targets, predictions) * share

        start = (tf.constant(0), tf.zeros([], dtype))
        _, total = tf.while_loop(
            lambda first, _: first < self._count, body, start, parallel_iterations=1
        )
        return total + penalties(self._model, dtype)


def _slice(rows: Any, first: Any, last: Any) -> Any:
    return tf.nest.map_structure(lambda t: t[first:last], rows)


def _tensors(rows: Any) -> tuple[Any, int]:
    """Arrays as tensors, and how many rows they have."""
    tensors = tf.nest.map_structure(tf.convert_to_tensor, rows)
    return tensors, int(tf.nest.flatten(tensors)[0].shape[0])
