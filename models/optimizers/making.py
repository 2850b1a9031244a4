"""Make the optimizer that a configuration names."""

from __future__ import annotations

from typing import Any

import keras

from models.config import TrainConfig
from models.optimizers.by_row import LazyAdam, PlainSGD, RowWiseAdagrad
from models.optimizers.summed import SummedAdam, SummedAdamW, SummedNadam, SummedRMSprop, SummedSGD

_BY_NAME: dict[str, type[keras.optimizers.Optimizer]] = {
    "adam": SummedAdam,
    "adamw": SummedAdamW,
    "nadam": SummedNadam,
    "rmsprop": SummedRMSprop,
    "sgd": SummedSGD,
    "plain_sgd": PlainSGD,
    "lazy_adam": LazyAdam,
    "rowwise_adagrad": RowWiseAdagrad,
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
