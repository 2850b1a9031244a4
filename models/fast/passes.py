"""Go once over the train rows, or once over the validation rows, in compiled functions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from models.fast import shares
from models.fast.dropout_masks import Masks, MasksAhead
from models.fast.gradients import GradientSum, Loss, penalties
from models.fast.shares import bounds, count_rows, shares_of, slice_rows
from models.fast.sizes import RowBytes, bytes_of_row, rows_of_block

BLOCK_ROWS = 65_536


class TrainPass:
    """Trains a model, one epoch a call of `run`, with one optimizer step for each batch.

    Dropout masks are drawn for a block of rows at a time, so that memory does not grow with the
    rows, and in a thread, while the block before it is trained on. A block is some batches, or a
    part of a batch that is too large.
    """

    def __init__(
        self,
        model: keras.Model,
        loss: Loss,
        rows: tuple[Any, Any],
        *,
        batch_size: int,
        sizes: RowBytes,
    ) -> None:
        """Keep the rows as tensors; TensorFlow traces its functions in the first `run`.

        Args:
            model: Built and compiled.
            loss: Mean loss of targets and predictions, as `mean_loss` returns it.
            rows: Inputs and targets, `[row, ...]`.
            batch_size: Rows of an optimizer step.
            sizes: What a row takes in the model.
        """
        self._model = model
        self._rows, self._count = tensors(rows)
        self._batch_size = min(batch_size, self._count)
        masks = Masks(model, slice_rows(self._rows[0], 0, min(2, self._count)))
        self._sum = GradientSum(model, loss, masks, shares_of(self._batch_size), sizes.layers)
        self._at_once = self._batch_size <= self._sum.most_at_once
        self._masks = masks
        self._row_bytes = bytes_of_row(self._rows) + sizes.output + masks.row_bytes
        self._used = self._count
        self._blocks = self._plan()
        self._ahead = self._draw_ahead()
        model.optimizer.build(model.trainable_variables)
        self._add = tf.function(self._add_block, autograph=False)
        self._add_picked = tf.function(self._add_rows, autograph=False)
        self._step = tf.function(self._apply_sum, autograph=False)
        self._batches = tf.function(self._train_batches, autograph=False)

    def _plan(self) -> Sequence[tuple[int, int]]:
        """Cut an epoch's rows into blocks; dropout masks are drawn for one block at a time."""
        rows = rows_of_block(self._row_bytes, BLOCK_ROWS)
        if self._in_parts:
            return [
                (first + begin, first + end)
                for first, last in _blocks(self._used, self._batch_size)
                for begin, end in _blocks(last - first, rows)
            ]
        if self.steps > 1:
            rows = max(1, rows // self._batch_size) * self._batch_size
        return list(_blocks(self._used, rows))

    @property
    def _in_parts(self) -> bool:
        """Whether an epoch has several batches, each too large for one block."""
        fitting = rows_of_block(self._row_bytes, BLOCK_ROWS)
        return self.steps > 1 and fitting < min(self._batch_size, BLOCK_ROWS)

    def _draw_ahead(self) -> MasksAhead:
        return MasksAhead.start(self._masks, [last - first for first, last in self._blocks])

    def use(self, rows: int) -> None:
        """Train the next epochs on the first `rows` rows only; weights and optimizer state stay.

        Args:
            rows: How many. An epoch of one step stays an epoch of one step.
        """
        if rows == self._used:
            return
        self._used = rows
        self._blocks = self._plan()
        self._ahead.close()
        self._ahead = self._draw_ahead()

    @property
    def steps(self) -> int:
        """Number of optimizer steps in an epoch."""
        return -(-self._used // self._batch_size)

    def close(self) -> None:
        """End the thread that draws dropout masks."""
        self._ahead.close()

    def run(self, *, shuffle: bool, goes_on: Callable[[float], bool]) -> float | None:
        """Train one epoch.

        Args:
            shuffle: Whether batches are drawn anew, from NumPy's seeded generator.
            goes_on: Is asked after each block, with the share of the rows that are trained.

        Returns:
            The mean loss of the rows, each batch's taken before its own step; None where the
            training does not go on.
        """
        if self.steps == 1:
            for first, last in self._blocks:
                share = tf.constant(1 / self._used, self._sum.dtype)
                self._add(tf.constant(first), tf.constant(last), self._ahead.take(), share)
                if not goes_on(last / self._used):
                    return None
            return float(self._step())
        order = np.arange(self._used, dtype=np.int32)
        if shuffle:
            np.random.shuffle(order)
        total = 0.0
        for first, last in self._blocks:
            if self._in_parts:
                total += self._train_part(order, first, last)
            else:
                total += float(self._batches(tf.constant(order[first:last]), self._ahead.take()))
            if not goes_on(last / self._used):
                return None
        return total / self._used

    def _train_part(self, order: NDArray[np.int32], first: int, last: int) -> float:
        """Add up the gradients of a part of a batch; after its last part take the step.

        Returns:
            The sum of the batch's losses, and 0 before its last part.
        """
        begin = first - first % self._batch_size
        end = min(begin + self._batch_size, self._used)
        share = tf.constant(1 / (end - begin), self._sum.dtype)
        self._add_picked(tf.constant(order[first:last]), self._ahead.take(), share)
        return float(self._step()) * (end - begin) if last == end else 0.0

    def _add_block(self, first: Any, last: Any, masks: list[Any], share: Any) -> None:
        """Add the gradients of a block of rows to the gradient sum of the batch."""
        self._sum.add((*slice_rows(self._rows, first, last), masks), share=share)

    def _add_rows(self, picked: Any, masks: list[Any], share: Any) -> None:
        """Add the gradients of the rows with the numbers `picked` to the gradient sum."""
        self._sum.add((*self._pick(picked), masks), share=share)

    def _pick(self, numbers: Any) -> Any:
        """Take the rows with some numbers: inputs and targets."""
        return tf.nest.map_structure(lambda t: tf.gather(t, numbers), self._rows)

    def _apply_sum(self) -> Any:
        """Take an optimizer step by the summed gradients, and return the loss."""
        loss, gradients = self._sum.result()
        self._apply(gradients)
        self._sum.reset()
        return loss

    def _apply(self, gradients: Any) -> None:
        """Take an optimizer step by some gradients."""
        pairs = zip(gradients, self._model.trainable_variables, strict=True)
        self._model.optimizer.apply_gradients(pairs)

    def _train_batches(self, order: Any, masks: list[Any]) -> Any:
        """Train on a block of rows batch by batch, and return the sum of the rows' losses."""
        count = count_rows(order)

        def body(first: Any, total: Any) -> tuple[Any, Any]:
            last = tf.minimum(first + self._batch_size, count)
            picked = order[first:last]
            rows = tf.cast(last - first, total.dtype)
            loss = self._step_on((*self._pick(picked), slice_rows(masks, first, last)), rows)
            return last, total + loss * rows

        start = (tf.constant(0), tf.zeros([], self._sum.dtype))
        _, total = tf.while_loop(lambda first, _: first < count, body, start, parallel_iterations=1)
        return total

    def _step_on(self, batch: Any, rows: Any) -> Any:
        """Take one optimizer step on a batch, and return the batch's loss before the step."""
        if not self._at_once:
            self._sum.add(batch, share=1 / rows)
            return self._apply_sum()
        loss, gradients = self._sum.at_once(batch)
        self._apply(gradients)
        return loss


class ValidationPass:
    """Scores rows that are not trained on: their loss, and the model's metrics."""

    def __init__(
        self, model: keras.Model, loss: Loss, rows: tuple[Any, Any], sizes: RowBytes
    ) -> None:
        """Keep the rows as tensors; TensorFlow traces its functions in the first `run`."""
        self._model = model
        self._loss = loss
        self._rows, self._count = tensors(rows)
        self._share_count = shares_of(self._count)
        self._chunks = shares.Chunks(model, sizes.layers)
        self._row_bytes = bytes_of_row(self._rows) + sizes.output
        self._scored = tf.function(self._score)
        self._penalty = tf.function(self._penalties, autograph=False)
        self._traced = tf.function(self._pass, autograph=False)

    def run(self) -> float:
        """Score the rows, update the metrics, and return the loss, penalties included."""
        total = sum(
            float(self._traced(tf.constant(first), tf.constant(last)))
            for first, last in _blocks(self._count, rows_of_block(self._row_bytes, BLOCK_ROWS))
        )
        return total + float(self._penalty())

    def _penalties(self) -> Any:
        return penalties(self._model, self._dtype)

    @property
    def _dtype(self) -> Any:
        return self._model.trainable_variables[0].value.dtype

    def _score(self, inputs: Any, targets: Any, weight: Any) -> tuple[Any, Any]:
        """Compute the predictions and the weighted loss of some rows."""
        predictions = self._model(inputs, training=False)
        return predictions, self._loss(targets, predictions) * weight

    def _pass(self, first: Any, last: Any) -> Any:
        """Score rows `first` to before `last`; return what these rows add to the mean loss."""
        rows = slice_rows(self._rows, first, last)
        edges = bounds(last - first, self._share_count)
        parts = [self._score_share(rows, begin, end) for begin, end in edges]
        predictions, losses = zip(*parts, strict=True)
        self._model.compute_metrics(*rows, tf.concat(predictions, 0))
        return tf.add_n(losses)

    def _score_share(self, rows: Any, first: Any, last: Any) -> tuple[Any, ...]:
        """Return the predictions of one thread's rows, and what these rows add to the mean loss."""

        def work(begin: Any, end: Any, total: Any) -> tuple[Any, ...]:
            weight = tf.cast(end - begin, self._dtype) / self._count
            predictions, loss = self._scored(*slice_rows(rows, begin, end), weight)
            return predictions, total + loss

        return self._chunks.run(first, last, work, tf.zeros([], self._dtype))


def _blocks(count: int, rows: int) -> Iterator[tuple[int, int]]:
    """Cut `count` rows into blocks of at most `rows`; yield (first row, row after the last)."""
    for first in range(0, count, rows):
        yield first, min(first + rows, count)


def tensors(rows: Any) -> tuple[Any, int]:
    """Convert arrays to tensors as Keras' `fit` does, and count their rows.

    Numbers with a fraction become `keras.config.floatx()`, whatever their type.
    """
    converted = tf.nest.map_structure(_tensor, rows)
    return converted, int(tf.nest.flatten(converted)[0].shape[0])


def _tensor(array: Any) -> Any:
    """Convert an array to a tensor, of `keras.config.floatx()` if its type has fractions."""
    floats = tf.as_dtype(keras.config.floatx())
    if tf.as_dtype(array.dtype).is_floating and array.dtype != floats:
        return tf.cast(array, floats)
    return tf.convert_to_tensor(array)
