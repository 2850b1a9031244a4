"""The data that a HyperModel's `fit` is given: what a user's function returns, checked at once."""

from __future__ import annotations

import copy
import inspect
import math
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import keras
import keras_tuner

from search.config.study import StudyConfig
from search.errors import SearchError, in_one_line
from search.space.hypermodel import has_own_fit, import_named

_BESIDE = "data"
"""Name of the function beside a HyperModel that is taken where no other is named."""


@dataclass(frozen=True, slots=True)
class FitData:
    """What a HyperModel's `fit` is given after `hp` and `model`.

    Attributes:
        args: Positional arguments, say `x` and `y`.
        options: Arguments by name, say `validation_data`.
    """

    args: tuple[Any, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)

    def arguments(self, fit: Any, **ours: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Put the data together with what the study gives, as far as a `fit` takes it.

        Callbacks are copied, so that no trial sees another one's.

        Args:
            fit: The HyperModel's bound method.
            ours: `callbacks`, `epochs` and `verbose`, or some of them.
        """
        options = dict(self.options)
        own = copy.deepcopy(list(options.pop("callbacks", None) or ()))
        given = dict(ours)
        if "callbacks" in ours:
            given["callbacks"] = [*own, *ours["callbacks"]]
        taken = inspect.signature(fit).parameters.values()
        if not any(p.kind is inspect.Parameter.VAR_KEYWORD for p in taken):
            names = {p.name for p in taken}
            given = {name: value for name, value in given.items() if name in names}
        return self.args, {**options, **given}


def load_fit_data(config: StudyConfig, hypermodel: keras_tuner.HyperModel) -> FitData:
    """Call the function that returns what a HyperModel's `fit` takes, where there is one.

    It is the function that `data_module` names, else a function `data` beside the HyperModel that
    needs no arguments. It returns a tuple of positional arguments, a dict of arguments by name, or
    a pair of both.

    Args:
        config: The study.
        hypermodel: Its HyperModel.

    Raises:
        SearchError: There is no such function, it raises, or `fit` needs something else.
    """
    data = FitData()
    if config.data_module is not None:
        named = import_named("data_module", "module:function", config.data_module)
        data = _called(named, config.data_module)
    else:
        module_name = config.model.partition(":")[0]
        beside = getattr(sys.modules.get(module_name), _BESIDE, None)
        if inspect.isfunction(beside) and _needs_nothing(beside):
            found = _called(beside, f"{module_name}:{_BESIDE}")
            if _missing(hypermodel, found) is None:  # else the `fit` has data of its own
                data = found
    _check(config, hypermodel, data)
    return data


def _needs_nothing(function: Any) -> bool:
    """Whether a function can be called without arguments."""
    try:
        inspect.signature(function).bind()
    except TypeError:
        return False
    return True


def _called(function: Any, name: str) -> FitData:
    """Call a user's function, and sort what it returned into positional and named arguments."""
    if not callable(function):
        raise SearchError(
            f"`data_module` must name a function without arguments, but {name!r} is a "
            f"{type(function).__name__}."
        )
    try:
        returned = function()
    except Exception as error:
        raise SearchError(
            f"`data_module` must name a function that returns what `fit` takes, but {name!r} "
            f"raised {in_one_line(error)}."
        ) from error
    if isinstance(returned, Mapping):
        return FitData((), dict(returned))
    if isinstance(returned, tuple):
        first, *rest = returned
        if len(rest) == 1 and isinstance(first, tuple) and isinstance(rest[0], Mapping):
            return FitData(first, dict(rest[0]))
        return FitData(returned)
    raise SearchError(
        f"`data_module` must name a function that returns a tuple, as (x, y), a dict of arguments "
        f"by name, or a pair of both, but {name!r} returned a {type(returned).__name__}."
    )


def _check(config: StudyConfig, hypermodel: Any, data: FitData) -> None:
    """Refuse a `fit` that has no data, or that needs arguments that nobody gives."""
    if misplaced := _misplaced(hypermodel.fit):
        raise SearchError(
            f"`fit` of `{config.model}` must take `hp` and `model` first, in this order, but "
            f"{misplaced}. Begin it with `def fit(self, hp, model, …)`."
        )
    missing = _missing(hypermodel, data)
    if missing is not None:
        raise SearchError(
            f"`{config.model}` must have the data that its `fit` takes, but {missing}. Name a "
            "function that returns them with `--data-module module:function`, or put a function "
            "`data` beside the model."
        )


def _misplaced(fit: Any) -> str:
    """Say in words where a `fit` takes `hp` or `model` at another place; empty where it does not.

    A `fit` may call them by other names, or take them as `*args`.
    """
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    taken = inspect.signature(fit).parameters.values()
    names = [p.name for p in taken if p.kind in kinds]
    wrong = any(n in names and names.index(n) != place for place, n in enumerate(("hp", "model")))
    stars: dict[Any, str] = {}
    stars |= {inspect.Parameter.VAR_POSITIONAL: "*", inspect.Parameter.VAR_KEYWORD: "**"}
    told = ", ".join(stars.get(p.kind, "") + p.name for p in taken)
    return f"takes ({told})" if wrong else ""


def _missing(hypermodel: Any, data: FitData) -> str | None:
    """Say in words why a `fit` cannot be called with some data; None where it can."""
    args, options = data.arguments(hypermodel.fit, callbacks=[], epochs=1, verbose=0)
    if not has_own_fit(hypermodel) and not args and "x" not in options:
        return "it has no `fit` of its own, so that Keras' needs `x`"
    try:
        inspect.signature(hypermodel.fit).bind(None, None, *args, **options)
    except TypeError as error:
        return f"its `fit` cannot be called: {error}"
    return None


def brings_batches(data: Any) -> bool:
    """Whether data bring their own batches: TensorFlow's data sets, and Keras' own."""
    return isinstance(data, keras.utils.PyDataset) or hasattr(data, "element_spec")


def validation_of(given: Mapping[str, Any]) -> dict[str, Any] | None:
    """The validation data of a call of `fit`, as arguments of `evaluate`; None where it has none.

    A generator was used up by the training. A share of the training data is cut off as Keras does
    it, at the end.

    Args:
        given: The arguments of the call, by name.
    """
    data = given.get("validation_data")
    if data is None:
        share = given.get("validation_split") or 0.0
        return _cut_off(given, float(share)) if share else None
    if brings_batches(data):
        return {"x": data}
    if inspect.isgenerator(data) or not isinstance(data, list | tuple):
        return None
    x, y, weights = keras.utils.unpack_x_y_sample_weight(tuple(data))
    return {"x": x, "y": y, "sample_weight": weights}


def _cut_off(given: Mapping[str, Any], share: float) -> dict[str, Any] | None:
    """The last rows of the training data that `validation_split` keeps for validation."""
    rows = {name: given.get(name) for name in ("x", "y", "sample_weight")}
    leaves = [leaf for leaf in keras.tree.flatten(rows) if leaf is not None]
    if not leaves or not all(hasattr(leaf, "shape") for leaf in leaves):
        return None
    first = math.floor(leaves[0].shape[0] * (1.0 - share))
    return {
        name: keras.tree.map_structure(lambda leaf: leaf[first:], value)
        if value is not None
        else None
        for name, value in rows.items()
    }
