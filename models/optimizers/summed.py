"""Keras' optimizers, which sum an embedding row's gradient over its ratings before they step.

Keras 3 hands a table's gradient on as one slice a rating, and its Adam applies the slices of a
repeated id without adding them up; Keras 2 summed them first. A gradient is a sum over the rows
that a weight took part in, so these optimizers sum, whatever the batch: 100 ratings of one movie,
with a gradient of 0.01 each, make one gradient of 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from models.optimizers.table_rate import TableRate


class _SummedGradients(TableRate):
    """Mixin for a Keras optimizer that sums the slices of sparse gradients before it steps."""

    def apply(self, grads: Sequence[Any], trainable_variables: Any = None) -> Any:
        """Sum the slices of each gradient, then step as the optimizer does."""
        return super().apply([_summed(g) for g in grads], trainable_variables)  # type: ignore[misc]


def _summed(gradient: Any) -> Any:
    """Make a sparse gradient dense by adding up each table row's slices; keep a dense one as is."""
    if not isinstance(gradient, tf.IndexedSlices):
        return gradient
    rows = tf.gather(gradient.dense_shape, 0)
    return tf.math.unsorted_segment_sum(gradient.values, gradient.indices, rows)


@keras.saving.register_keras_serializable(package="trialbook")
class SummedAdam(_SummedGradients, keras.optimizers.Adam):
    """Adam that first sums the slices of a sparse gradient that belong to one table row."""


@keras.saving.register_keras_serializable(package="trialbook")
class SummedAdamW(_SummedGradients, keras.optimizers.AdamW):
    """AdamW that first sums the slices of a sparse gradient that belong to one table row."""


@keras.saving.register_keras_serializable(package="trialbook")
class SummedNadam(_SummedGradients, keras.optimizers.Nadam):
    """Nadam that first sums the slices of a sparse gradient that belong to one table row."""


@keras.saving.register_keras_serializable(package="trialbook")
class SummedRMSprop(_SummedGradients, keras.optimizers.RMSprop):
    """RMSprop that first sums the slices of a sparse gradient that belong to one table row."""


@keras.saving.register_keras_serializable(package="trialbook")
class SummedSGD(_SummedGradients, keras.optimizers.SGD):
    """SGD that first sums the slices of a sparse gradient that belong to one table row."""
