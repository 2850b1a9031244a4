"""Train a model by the fast trainer if model and options allow, else by Keras' `fit`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras

from models.errors import ModelsError
from models.fast.eligibility import why_not, why_not_arrays
from models.fast.growth import fit_by_stages
from models.fast.options import BATCH_SIZE, why_not_options
from models.fast.plan import EpochPlan, Growth
from models.fast.stock_fit import DEFAULTS, named, own_fit, stock_fit
from models.fast.training_loop import fast_fit
from models.fast.used import TrainerUsed


@dataclass(frozen=True, slots=True)
class _Trained:
    """What a training used, and what the caller of `fit` is handed: Keras' history, as a rule."""

    used: TrainerUsed
    returned: Any


def fit(
    model: keras.Model, *arguments: Any, trainer: str, growth: Growth = (), **options: Any
) -> TrainerUsed:
    """Train a model with the fast trainer or with Keras' own `fit`, or its class's if it has one.

    Args:
        model: Compiled.
        arguments: Inputs and targets, and what follows them in Keras' `fit`: batch size, epochs
            and so on.
        trainer: "fast", "keras", or "auto" or "tensorflow": the fast one wherever it does the same.
        growth: Rows and epochs of stages that see the first rows alone, before all the others.
        options: Of Keras' `fit`; inputs and targets may be given as `x` and `y`.

    Returns:
        Which trainer it was, and why.

    Raises:
        ModelsError: `trainer` is "fast", but it cannot do what Keras' `fit` does here.
        TypeError: Keras' `fit` takes no such arguments.

    Example:
        >>> import keras, numpy as np
        >>> model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
        >>> model.compile("sgd", "mean_squared_error")
        >>> x = np.ones((4, 1), "float32")
        >>> fit(model, x, x, 2, 3, trainer="auto").name  # batches of 2 rows, 3 epochs
        'fast'
        >>> len(model.history.history["loss"])
        3
    """
    return _fit(model, arguments, options, trainer=trainer, growth=growth).used


def speed_up(model: keras.Model, trainer: str, chosen: Callable[[TrainerUsed], None]) -> None:
    """Replace a model's `fit` method by a function that trains with the trainer named.

    Args:
        model: Any; it may be built and compiled later.
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

    def fitted(*arguments: Any, **options: Any) -> Any:
        trained = _fit(model, arguments, options, trainer=trainer, growth=())
        chosen(trained.used)
        return trained.returned

    model.fit = fitted


def _fit(
    model: keras.Model,
    arguments: tuple[Any, ...],
    options: dict[str, Any],
    *,
    trainer: str,
    growth: Growth,
) -> _Trained:
    """Train a model, given the arguments of Keras' `fit`."""
    if trainer == "compiled":
        raise ModelsError(
            "The compiled trainer trains Trialbook's own rating models alone. "
            "Use the trainer `auto` or `keras`."
        )
    own = own_fit(model)
    if own is not None:
        reason = "it has a `fit` of its own"
        _refuse(trainer, reason)
        returned = own(model, *arguments, **options)
        return _Trained(TrainerUsed("keras", "" if trainer == "keras" else reason), returned)
    x, y, options = named(arguments, options)
    why = "" if trainer == "keras" else _why_not(model, x, y, options)
    if why is None:
        return _Trained(TrainerUsed("fast"), _fit_fast(model, x, y, growth, options))
    _refuse(trainer, why)
    if growth:
        fit_by_stages(model, x, y, growth, options)
        return _Trained(TrainerUsed("keras", why), model.history)
    return _Trained(TrainerUsed("keras", why), stock_fit(model, x, y, **options))


def _refuse(trainer: str, reason: str) -> None:
    """Raise an error if the fast trainer was asked for and cannot do it, for the reason given."""
    if trainer == "fast":
        raise ModelsError(
            f"The fast trainer must be able to train the model, but {reason}. "
            "Use the trainer `auto` or `keras`."
        )


def _fit_fast(model: keras.Model, x: Any, y: Any, growth: Growth, options: dict[str, Any]) -> Any:
    """Train with the fast trainer, given the options of Keras' `fit`; return the history."""
    given = DEFAULTS | options
    plan = EpochPlan(
        batch_size=int(given["batch_size"] or BATCH_SIZE),
        epochs=int(given["epochs"]),
        shuffle=bool(given["shuffle"]),
        growth=growth,
    )
    listeners = keras.tree.flatten(given["callbacks"] or [])
    return fast_fit(
        model, x, y, plan, validation_data=given["validation_data"], callbacks=listeners
    )


def _why_not(model: keras.Model, x: Any, y: Any, options: dict[str, Any]) -> str | None:
    """Say why the fast trainer cannot replace Keras' `fit` with `options`; None where it can."""
    reason = why_not_options(options)
    valid = options.get("validation_data")
    if reason is None and valid is not None:
        reason = why_not_arrays(*valid)
        reason = reason and f"of its validation data: {reason}"
    if reason is not None:
        return reason
    return why_not(
        model,
        x,
        y,
        callbacks=keras.tree.flatten(options.get("callbacks") or []),
        batch_size=options.get("batch_size") or BATCH_SIZE,
    )
