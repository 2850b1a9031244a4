"""Which trainer a call of `fit` goes to: the fast one where it does the same, else Keras' own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras

from models.errors import ModelsError
from models.fast.eligibility import why_not
from models.fast.growth import Growth, fit_by_stages
from models.fast.training_loop import fast_fit

_TAKEN = ("batch_size", "epochs", "validation_data", "shuffle", "callbacks")
_WITHOUT_EFFECT = ("verbose", "validation_batch_size")
_DEFAULTS = {"validation_split": 0, "initial_epoch": 0, "validation_freq": 1}


@dataclass(frozen=True, slots=True)
class TrainerUsed:
    """Which trainer it was.

    Attributes:
        name: "fast" or "keras".
        reason: Why Keras' own was chosen, as `why_not` says it; empty where nothing was chosen.
    """

    name: str
    reason: str = ""

    def __str__(self) -> str:
        """What a user should know about the choice; empty where it went as expected."""
        return f"trained by Keras' own `fit`, since {self.reason}" if self.reason else ""


def fit(
    model: keras.Model, x: Any, y: Any, *, trainer: str, growth: Growth = (), **options: Any
) -> TrainerUsed:
    """Train with the fast trainer or with Keras' `fit`.

    Args:
        model: Built and compiled.
        x: As Keras takes it.
        y: As Keras takes it.
        trainer: "auto", "fast" or "keras".
        growth: Rows and epochs of stages that see the first rows alone, before all the others.
        options: Of Keras' `fit`.

    Returns:
        Which one it was, and why.

    Raises:
        ModelsError: `trainer` is "fast", but it cannot do what Keras' `fit` does here.
    """
    reason = "" if trainer == "keras" else _why_not(model, x, y, options)
    if reason is None:
        taken = {name: options[name] for name in _TAKEN if name in options}
        fast_fit(model, x, y, growth=growth, **taken)
        return TrainerUsed("fast")
    if trainer == "fast":
        raise ModelsError(
            f"The fast trainer must be able to train the model, but {reason}. "
            "Use the trainer `auto` or `keras`."
        )
    if growth:
        fit_by_stages(model, x, y, growth, options)
    else:
        type(model).fit(model, x, y, **options)
    return TrainerUsed("keras", reason)


def speed_up(model: keras.Model, trainer: str, chosen: Callable[[TrainerUsed], None]) -> None:
    """Let a model's own `fit` go to the trainer, whoever calls it.

    Args:
        model: Built; it may be compiled later.
        trainer: "auto", "fast" or "keras".
        chosen: Is told after each call which one it was.
    """

    def fitted(x: Any = None, y: Any = None, **options: Any) -> keras.callbacks.History:
        chosen(fit(model, x, y, trainer=trainer, **options))
        history: keras.callbacks.History = model.history
        return history

    model.fit = fitted


def _why_not(model: keras.Model, x: Any, y: Any, options: dict[str, Any]) -> str | None:
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
        batch_size=options.get("batch_size") or 32,
    )


def _is_default(name: str, value: Any) -> bool:
    """Whether an option of Keras' `fit` is as if it were not given."""
    return value is None or (isinstance(value, int | float) and value == _DEFAULTS.get(name))
