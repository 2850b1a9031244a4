"""Keras optimizers that sum an embedding row's gradient over all its ratings before they step.

Keras 3 hands a table's gradient on as one slice a rating, and its Adam applies the slices of a
repeated id without adding them up; Keras 2 summed them first. A gradient is a sum over the rows
that a weight took part in, so these optimizers sum, whatever the batch.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from models.config import TrainConfig


class _SummedGradients:
    """Mixin: turns slices into the dense, summed gradient before the optimizer sees it."""

    def apply(self, grads: Sequence[Any], trainable_variables: Any = None) -> Any:
        """Sum, then step as the optimizer does."""
        return super().apply([_summed(g) for g in grads], trainable_variables)  # type: ignore[misc]


def _summed(gradient: Any) -> Any:
    if not isinstance(gradient, tf.IndexedSlices):
        return gradient
    rows = tf.gather(gradient.dense_shape, 0)
    return tf.math.unsorted_segment_sum(gradient.values, gradient.indices, rows)


@keras.saving.register_keras_serializable(package="trialbook")
class SummedAdam(_SummedGradients, keras.optimizers.Adam):
    """Adam on summed gradients."""


@keras.saving.register_keras_serializable(package="trialbook")
class SummedAdamW(_SummedGradients, keras.optimizers.AdamW):
    """AdamW on summed gradients."""


@keras.saving.register_keras_serializable(package="trialbook")
class SummedNadam(_SummedGradients, keras.optimizers.Nadam):
    """Nadam on summed gradients."""


@keras.saving.register_keras_serializable(package="trialbook")
class SummedRMSprop(_SummedGradients, keras.optimizers.RMSprop):
    """RMSprop on summed gradients."""


@keras.saving.register_keras_serializable(package="trialbook")
class SummedSGD(_SummedGradients, keras.optimizers.SGD):
    """SGD with momentum 0.9 where made by `make_optimizer`, on summed gradients."""


_BY_NAME: dict[str, type[keras.optimizers.Optimizer]] = {
    "adam": SummedAdam,
    "adamw": SummedAdamW,
    "nadam": SummedNadam,
    "rmsprop": SummedRMSprop,
    "sgd": SummedSGD,
}


def make_optimizer(config: TrainConfig) -> keras.optimizers.Optimizer:
    """The optimizer that `config` names, at its learning rate."""
    options = {"momentum": 0.9} if config.optimizer == "sgd" else {}
    return _BY_NAME[config.optimizer](learning_rate=config.learning_rate, **options)
