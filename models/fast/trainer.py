"""Train a model by the fast trainer if model and options allow, else by Keras' `fit`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras

from models.errors import ModelsError
from models.fast.eligibility import why_not
from models.fast.growth import fit_by_stages
from models.fast.plan import EpochPlan, Growth
from models.fast.training_loop import fast_fit

_KERAS_FIT = keras.Model.fit
_BATCH_SIZE = 32  # Keras' own where none is given
_TAKEN = ("batch_size", "epochs", "validation_data", "shuffle", "callbacks")
_WITHOUT_EFFECT = ("verbose", "validation_batch_size")
_DEFAULTS = {"validation_split": 0, "initial_epoch": 0, "validation_freq": 1}


@dataclass(frozen=True, slots=True)
class TrainerUsed:
    """Which trainer a model was trained by.

    Attributes:
        name: "fast" or "keras".
        reason: Why Keras' own was chosen, in words that follow "since"; empty for the fast one,
            and where Keras' own was asked for.

    Example:
        >>> print(TrainerUsed("keras", "it runs eagerly"))
        trained by Keras' own `fit`, since it runs eagerly
    """

    name: str
    reason: str = ""

    def __str__(self) -> str:
        """Say why Keras' `fit` replaced the fast trainer; empty where `reason` is empty."""
        return f"trained by Keras' own `fit`, since {self.reason}" if self.reason else ""


def fit(
    model: keras.Model, x: Any, y: Any, *, trainer: str, growth: Growth = (), **options: Any
) -> TrainerUsed:
    """Train a model with the fast trainer or with Keras' own `fit`.

    Args:
        model: Built and compiled.
        x: Inputs, as Keras' `fit` takes them.
        y: Targets, as Keras' `fit` takes them.
        trainer: "fast", "keras", or "auto": the fast one wherever it does the same.
        growth: Rows and epochs of stages that see the first rows alone, before all the others.
        options: Of Keras' `fit`.

    Returns:
        Which trainer it was, and why.

    Raises:
        ModelsError: `trainer` is "fast", but it cannot do what Keras' `fit` does here.
    """
    reason = "" if trainer == "keras" else _why_not(model, x, y, options)
    if reason is None:
        _fit_fast(model, x, y, growth, options)
        return TrainerUsed("fast")
    if trainer == "fast":
        raise ModelsError(
            f"The fast trainer must be able to train the model, but {reason}. "
            "Use the trainer `auto` or `keras`."
        )
    if growth:
        fit_by_stages(model, x, y, growth, options)
    else:
        _KERAS_FIT(model, x, y, **options)
    return TrainerUsed("keras", reason)


def speed_up(model: keras.Model, trainer: str, chosen: Callable[[TrainerUsed], None]) -> None:
    """Replace a model's `fit` method by a function that trains with the trainer named.

    Args:
        model: Built; it may be compiled later.
        trainer: "auto", "fast" or "keras".
        chosen: Called after each training with the trainer that it was.

    Example:
        >>> import numpy as np
        >>> model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
        >>> speed_up(model, "auto", lambda used: print(used.name))
        >>> model.compile("sgd", "mean_squared_error")
        >>> history = model.fit(np.ones((4, 1), "float32"), np.ones((4, 1), "float32"), verbose=0)
        fast
    """

    def fitted(x: Any = None, y: Any = None, **options: Any) -> keras.callbacks.History:
        chosen(fit(model, x, y, trainer=trainer, **options))
        history: keras.callbacks.History = model.history
        return history

    model.fit = fitted


def _fit_fast(model: keras.Model, x: Any, y: Any, growth: Growth, options: dict[str, Any]) -> None:
    """Train with the fast trainer, given the options of Keras' `fit`."""
    plan = EpochPlan(
        batch_size=options.get("batch_size") or _BATCH_SIZE,
        epochs=options.get("epochs", 1),
        shuffle=options.get("shuffle", True),
        growth=growth,
    )
    watched = {name: options.get(name) for name in ("validation_data", "callbacks")}
    fast_fit(model, x, y, plan, **watched)


def _why_not(model: keras.Model, x: Any, y: Any, options: dict[str, Any]) -> str | None:
    """Say why the fast trainer cannot replace Keras' `fit` with `options`; None where it can."""
    for name, value in options.items():
        if name not in _TAKEN + _WITHOUT_EFFECT and not _is_default(name, value):
            return f"`fit` is given `{name}`"
    if options.get("verbose", 0) not in (0, "auto"):
        return "`fit` is asked to print"
    valid = options.get("validation_data")
    if valid is not None and not (isinstance(valid, tuple) and len(valid) == 2):
        return "its validation data are not a pair of arrays"
    return why_not(
        model,
        x,
        y,
        callbacks=options.get("callbacks") or (),
        batch_size=options.get("batch_size") or _BATCH_SIZE,
    )


def _is_default(name: str, value: Any) -> bool:
    """Whether an option of Keras' `fit` is None or has its default value."""
    return value is None or (isinstance(value, int | float) and value == _DEFAULTS.get(name))
