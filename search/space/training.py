"""How rating models are trained, as parameters: optimizer, step sizes, batches, stopping."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from models import FULL_BATCH, TrainConfig
from models.config import SCHEDULES
from search.config.sections import STOPPING
from search.space.batches import batch_sizes
from search.space.declaration import Check, Declaration, Range

_SEARCHED = ("adam", "adamw", "nadam", "rmsprop", "lazy_adam", "rowwise_adagrad")
"""Without SGD, with momentum or plain: the step sizes that suit it are others, by factors of ten.
A study file may name it, with its own range of `learning_rate`."""


def declare_optimizer(space: Declaration) -> str:
    """Declare and read the optimizer; it comes first, as penalties depend on it."""
    return space.choice("optimizer", _SEARCHED, "adam", _train("optimizer"))


def declare_training(space: Declaration, optimizer: str, ids: int) -> TrainConfig:
    """Declare and read how the model is trained: step sizes, batches, stopping."""
    steps = Range(low=3e-4, high=5e-2, default=0.01, log=True)
    times = Range(low=0.1, high=30.0, default=1.0, log=True)
    sizes = batch_sizes(ids)
    return TrainConfig(
        optimizer=optimizer,
        learning_rate=space.real("learning_rate", steps, _train("learning_rate")),
        embedding_rate=space.real("embedding_rate", times, _train("embedding_rate")),
        schedule=space.choice("schedule", list(SCHEDULES), "constant", _train("schedule")),
        batch_size=_batch(
            space.choice("batch_size", sizes, FULL_BATCH, _train("batch_size", _batch))
        ),
        patience=space.integer("patience", _usual("patience"), _train("patience")),
        min_delta=space.real("min_delta", _usual("min_delta"), _train("min_delta")),
        overfit_patience=space.integer(
            "overfit_patience", _usual("overfit_patience"), _train("overfit_patience")
        ),
    )


def _usual(name: str) -> Range:
    """The one value of a stopping rule that no study file varies."""
    value = STOPPING[name]
    return Range(low=value, high=value, default=value)


def _batch(value: Any) -> Any:
    """Convert the batch size from text to a number, unless it is "full"."""
    return value if value == FULL_BATCH else as_number(value, int)


def as_number(value: Any, kind: type) -> Any:
    """Convert a text such as "256" to the number, since choices are texts; keep other values."""
    try:
        return kind(value) if isinstance(value, str) else value
    except ValueError:
        return value


def _train(name: str, parse: Callable[[Any], Any] = lambda value: value) -> Check:
    """Make a function that checks one field's value by building a `TrainConfig` with it."""
    return lambda value: TrainConfig(**{name: parse(value)})
