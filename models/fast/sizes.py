"""Decide how many rows are worked on at once, from the bytes that a row takes.

Rows as narrow as a rating model's are taken by the number, since the order in which gradients are
added up, and so their last digits, depends on it: a training repeats to the bit only with the same
numbers. Of wider rows, of images for instance, fewer are taken, so that memory stays bounded.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Any

import keras
import tensorflow as tf

from models.fast.calls import nested_layers, replaced_calls

_KEPT = 2  # a layer's result, and what the layer computes before its activation
_ROWS = 2
_MEBIBYTE = 2**20

_BLOCK_ROW = 8 * 2**10
_BLOCK_BYTES = 16 * _MEBIBYTE
_CHUNK_ROW = 64 * 2**10
_CHUNK_BYTES = 16 * _MEBIBYTE
_ROWS_A_WORD = 4  # masks come in words of four units: whole words leave the random stream as it is


def rows_of_block(row_bytes: int, most: int) -> int:
    """Decide for how many rows masks are drawn, and predictions collected, at a time.

    Rows of at most 8 KiB are taken `most` at a time; of wider ones as many as 16 MiB hold, a
    multiple of 4: of rows of 64 KiB, 256.

    Args:
        row_bytes: What a row of inputs, targets, predictions and masks takes.
        most: Rows of a block at most.
    """
    if row_bytes <= _BLOCK_ROW:
        return most
    fitting = _BLOCK_BYTES // row_bytes // _ROWS_A_WORD * _ROWS_A_WORD
    return min(most, max(_ROWS_A_WORD, fitting))


def rows_of_chunk(row_bytes: int, most: int) -> int:
    """Decide how many rows one thread computes the layers of at a time.

    Rows of at most 64 KiB are taken `most` at a time, of wider ones as many as 16 MiB hold.

    Args:
        row_bytes: What the results of a model's layers take for a row.
        most: Rows of a chunk at most.
    """
    if row_bytes <= _CHUNK_ROW:
        return most
    return min(most, max(1, _CHUNK_BYTES // row_bytes))


@dataclass(frozen=True, slots=True)
class RowBytes:
    """The bytes that one row takes in a model.

    Attributes:
        layers: What the results of its layers take, estimated.
        output: What its prediction takes.
    """

    layers: int = 0
    output: int = 0

    @classmethod
    def of(cls, model: keras.Model, inputs: Any) -> RowBytes:
        """Measure a built model, by passing the first two of some rows through it.

        Args:
            model: Built.
            inputs: `[row, ...]`.
        """
        total = 0

        def count(layer: keras.layers.Layer, *arguments: Any, **options: Any) -> Any:
            nonlocal total
            result = type(layer).call(layer, *arguments, **options)
            total += sum(_size(leaf) for leaf in tf.nest.flatten(result))
            return result

        some = tf.nest.map_structure(lambda leaf: leaf[:_ROWS], inputs)
        plain = [layer for layer in nested_layers(model) if "call" not in vars(layer)]
        with replaced_calls(plain, count):
            output = model(some, training=False)
        rows = len(tf.nest.flatten(some)[0])
        return cls(_KEPT * total // rows, _size(output) // rows)


def bytes_of_row(rows: Any) -> int:
    """Count the bytes that a row of some tensors takes, all of them together."""
    return sum(_size(leaf) // max(1, leaf.shape[0]) for leaf in tf.nest.flatten(rows))


def _size(value: Any) -> int:
    """Count the bytes of a tensor; 0 for what is none."""
    if not isinstance(value, tf.Tensor):
        return 0
    count: int = prod(value.shape) * value.dtype.size
    return count
