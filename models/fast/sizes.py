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
import numpy as np
import tensorflow as tf

from models.fast.calls import nested_layers, replaced_calls

_KEPT = 2  # a layer's result, and what the layer computes before its activation
_ROWS = 2
_MEBIBYTE = 2**20
_SAME_MEMORY = {"ExpandDims", "Identity", "Placeholder", "Reshape", "Squeeze", "StopGradient"}

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
        layers: What is computed on the way to its prediction takes, estimated.
        output: What its prediction takes.
    """

    layers: int = 0
    output: int = 0

    @classmethod
    def of(cls, model: keras.Model, inputs: Any) -> RowBytes:
        """Measure a built model, by passing the first two of some rows through it.

        Of what its layers return, and of all operations that depend on the number of rows, the
        greater counts: a layer of a user's own may compute far more than it returns.

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
        computed = _operations(model, some, 2 * rows) - _operations(model, some, rows)
        return cls(max(_KEPT * total, computed) // rows, _size(output) // rows)


def _operations(model: keras.Model, inputs: Any, rows: int) -> int:
    """Count the bytes of everything that a model computes for so many rows, given some inputs."""
    specs = tf.nest.map_structure(
        lambda leaf: tf.TensorSpec(
            (rows, *np.shape(leaf)[1:]), tf.as_dtype(np.asarray(leaf).dtype)
        ),
        inputs,
    )
    graph = tf.function(lambda given: model(given, training=False)).get_concrete_function(specs)
    total = 0
    for operation in graph.graph.get_operations():
        if operation.type not in _SAME_MEMORY:
            total += sum(_size_of(out.shape, out.dtype.size) for out in operation.outputs)
    # Of the bodies of loops and branches only the shapes are known: numbers of four bytes.
    for function in graph.graph.as_graph_def(add_shapes=True).library.function:
        for node in function.node_def:
            shapes = node.attr["_output_shapes"].list.shape if node.op not in _SAME_MEMORY else ()
            total += sum(_size_of(tf.TensorShape(shape), 4) for shape in shapes)
    return total


def _size_of(shape: tf.TensorShape, item: int) -> int:
    """Count the bytes of a shape; 0 where it is not known."""
    return prod(shape.as_list()) * item if shape.is_fully_defined() else 0


def bytes_of_row(rows: Any) -> int:
    """Count the bytes that a row of some tensors takes, all of them together."""
    return sum(_size(leaf) // max(1, leaf.shape[0]) for leaf in tf.nest.flatten(rows))


def _size(value: Any) -> int:
    """Count the bytes of a tensor; 0 for what is none."""
    if not isinstance(value, tf.Tensor):
        return 0
    count: int = prod(value.shape) * value.dtype.size
    return count
