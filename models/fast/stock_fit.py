"""Call Keras' own `fit`, also while another function stands in its place, and read its options."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Sequence
from typing import Any

import keras

_STOCK: Callable[..., Any] = keras.Model.fit
_SIGNATURE = inspect.signature(_STOCK)
_BEFORE_OPTIONS = ("self", "x", "y")
DEFAULTS: dict[str, Any] = {
    name: parameter.default
    for name, parameter in _SIGNATURE.parameters.items()
    if name not in _BEFORE_OPTIONS
}
"""The options of Keras' `fit` with their default values, in the order of its parameters."""


def stock_fit(model: keras.Model, *arguments: Any, **options: Any) -> Any:
    """Train with Keras' own `fit`, as it was when this module was imported.

    Args:
        model: Compiled.
        arguments: Of Keras' `fit`.
        options: Of Keras' `fit`.

    Returns:
        The history.
    """
    return _STOCK(model, *arguments, **options)


def named(arguments: Sequence[Any], options: dict[str, Any]) -> tuple[Any, Any, dict[str, Any]]:
    """Name the arguments of a call of Keras' `fit`: inputs, targets, and options by their names.

    The arguments (x, y, 32, 5) are inputs, targets, a batch size of 32 and 5 epochs.

    Raises:
        TypeError: There are too many, one is given twice, or one is unknown to Keras' `fit`.
    """
    given = _SIGNATURE.bind(None, *arguments, **options).arguments
    rest = {name: value for name, value in given.items() if name not in _BEFORE_OPTIONS}
    return given.get("x"), given.get("y"), rest


def own_fit(model: keras.Model) -> Callable[..., Any] | None:
    """Find the `fit` method that a model's class defines in place of Keras' own.

    None where there is none, and while that method is under way for this model: what it then
    calls, by `super().fit(...)`, is Keras' own.
    """
    for kind in type(model).__mro__:
        if "fit" in vars(kind):
            found: Callable[..., Any] = vars(kind)["fit"]
            return None if of_keras(kind) or _runs(found, model) else found
    return None


def of_keras(thing: Any) -> bool:
    """Whether a class or a function is one of Keras' own."""
    return str(getattr(thing, "__module__", "")).partition(".")[0] == "keras"


def _runs(function: Callable[..., Any], model: keras.Model) -> bool:
    """Whether a function is under way with a model as one of its arguments."""
    code = getattr(inspect.unwrap(function), "__code__", None)
    frame = sys._getframe()
    while frame.f_back is not None:
        frame = frame.f_back
        if frame.f_code is code and any(value is model for value in frame.f_locals.values()):
            return True
    return False
