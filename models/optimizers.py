"""Make Keras optimizers that sum an embedding row's gradient over its ratings before they step.

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

from models.config import TrainConfig

_TABLE = "embeddings"  # Keras' name of the variable of an Embedding


class _SummedGradients:
    """Mixin for a Keras optimizer that sums the slices of sparse gradients before it steps.

    It also gives embedding tables a learning rate of their own.
    """

    def __init__(self, *args: Any, embedding_rate: float = 1.0, **options: Any) -> None:
        """Make the optimizer; `embedding_rate` multiplies the learning rate of embedding tables."""
        super().__init__(*args, **options)
        self._embedding_rate = embedding_rate

    def apply(self, grads: Sequence[Any], trainable_variables: Any = None) -> Any:
        """Sum the slices of each gradient, then step as the optimizer does."""
        return super().apply([_summed(g) for g in grads], trainable_variables)  # type: ignore[misc]

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """Update a variable; `embedding_rate` multiplies the rate of an embedding table."""
        # TensorFlow's variable: "LAYER/NAME:0".
        if self._embedding_rate != 1.0 and variable.name.split("/")[-1].split(":")[0] == _TABLE:
            learning_rate = learning_rate * self._embedding_rate
        super().update_step(gradient, variable, learning_rate)  # type: ignore[misc]

    def get_config(self) -> dict[str, Any]:
        """Return the optimizer's configuration, `embedding_rate` included."""
        config: dict[str, Any] = super().get_config()  # type: ignore[misc]
        return config | {"embedding_rate": self._embedding_rate}


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


_BY_NAME: dict[str, type[keras.optimizers.Optimizer]] = {
    "adam": SummedAdam,
    "adamw": SummedAdamW,
    "nadam": SummedNadam,
    "rmsprop": SummedRMSprop,
    "sgd": SummedSGD,
}


def make_optimizer(config: TrainConfig, steps: int) -> keras.optimizers.Optimizer:
    """Make the optimizer that `config` names, at its learning rate.

    Args:
        config: Names the optimizer, its learning rate and how that falls.
        steps: Steps of all epochs together, over which the learning rate falls.
    """
    options: dict[str, Any] = {"momentum": 0.9} if config.optimizer == "sgd" else {}
    rate = _scheduled(config, steps)
    made = _BY_NAME[config.optimizer]
    return made(learning_rate=rate, embedding_rate=config.embedding_rate, **options)


def _scheduled(config: TrainConfig, steps: int) -> Any:
    """Make the learning rate: a constant number, or a Keras schedule over `steps` steps."""
    first, last = config.learning_rate, config.final_rate
    if config.schedule == "cosine":
        return keras.optimizers.schedules.CosineDecay(first, steps, alpha=last)
    if config.schedule == "exponential":
        return keras.optimizers.schedules.ExponentialDecay(first, steps, last)
    return first
