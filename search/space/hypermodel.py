"""Converts Keras Tuner's `HyperParameters` to plain parameters and back; loads HyperModels."""

from __future__ import annotations

import contextlib
import importlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

import keras_tuner

from search.config.sections import TUNER_MODEL
from search.config.study import StudyConfig
from search.errors import SearchError
from search.space import ratings
from search.space.parameters import Condition, Kind, Parameter
from search.space.scores import ScoreRange


def parameters(hp: keras_tuner.HyperParameters) -> tuple[Parameter, ...]:
    """List every declared parameter, conditional ones too, parents first.

    Args:
        hp: After one pass of `build` or `read` on an empty `HyperParameters`.

    Raises:
        SearchError: A parameter has no counterpart in Optuna.
    """
    return tuple(_parameter(declared) for declared in hp.space)


def _parameter(declared: Any) -> Parameter:
    sampling = getattr(declared, "sampling", None)
    if sampling == "reverse_log":
        raise SearchError(
            f"`{declared.name}` must be sampled linear or log, but got 'reverse_log'. "
            "Optuna has no counterpart; search over max + min - value instead."
        )
    kind = cast("Kind", type(declared).__name__)
    ranged = kind in ("Int", "Float")
    return Parameter(
        name=declared.name,
        kind=kind,
        default=declared.default,
        # Keras Tuner gives a range values too, drawn at random where it has no step.
        values=tuple(declared.values) if kind == "Choice" else (),
        low=declared.min_value if ranged else None,
        high=declared.max_value if ranged else None,
        step=declared.step if ranged else None,
        log=sampling == "log",
        conditions=tuple(
            Condition(name=c.name, values=tuple(c.values)) for c in declared.conditions
        ),
    )


def hyperparameters(parameters: Sequence[Mapping[str, Any]]) -> keras_tuner.HyperParameters:
    """Rebuild Keras Tuner's `HyperParameters` from a stored space.

    Args:
        parameters: The fields of each `Parameter`, parents first.
    """
    hp = keras_tuner.HyperParameters()
    for stored in parameters:
        name, kind, default = stored["name"], stored["kind"], stored["default"]
        with contextlib.ExitStack() as scopes:
            for condition in stored["conditions"]:
                scope = hp.conditional_scope(condition["name"], list(condition["values"]))
                scopes.enter_context(scope)
            if kind == "Fixed":
                hp.Fixed(name, default)
            elif kind == "Boolean":
                hp.Boolean(name, default=default)
            elif kind == "Choice":
                hp.Choice(name, list(stored["values"]), default=default)
            else:
                declare = hp.Int if kind == "Int" else hp.Float
                sampling = "log" if stored["log"] else "linear"
                low, high, step = stored["low"], stored["high"], stored["step"]
                declare(name, low, high, step, sampling, default=default)
    return hp


def declare(config: StudyConfig, scores: ScoreRange | None = None) -> keras_tuner.HyperParameters:
    """Declare what a study searches on a new `HyperParameters`.

    Args:
        config: The study; "baseline" and "as-written" search nothing.
        scores: The range of the scores, which the space of rating models fits; None for any.

    Raises:
        SearchError: A mistake in `[space]`, or no such model.
    """
    hp = keras_tuner.HyperParameters()
    if config.model == "ratings":
        ratings.read(hp, config.space, scores)
    elif not config.rates:
        load_hypermodel(config.model).build(hp)
    return hp


class _Function(keras_tuner.HyperModel):
    """Wraps a function that builds a model as a HyperModel, as Keras Tuner does."""

    def __init__(self, build: Callable[[keras_tuner.HyperParameters], Any]) -> None:
        super().__init__()
        self._build_model = build

    def build(self, hp: keras_tuner.HyperParameters) -> Any:
        """Call the function."""
        return self._build_model(hp)


def load_hypermodel(reference: str) -> Any:
    """Import a user's `keras_tuner.HyperModel`; a function that builds a model is wrapped as one.

    Args:
        reference: `module:NAME`, importable from the working directory.

    Raises:
        SearchError: Nothing of that name can be imported, or it is something else.
    """
    if reference == TUNER_MODEL:
        raise SearchError(
            "A study whose models come from a Keras Tuner tuner must be gone on with there, "
            "through `OptunaOracle`; Trialbook itself cannot build them."
        )
    module_name, name = reference.split(":")
    try:
        module = importlib.import_module(module_name)
        named = getattr(module, name)
    except (ImportError, AttributeError) as error:
        raise SearchError(
            f"`model` must be `module:HyperModel`, importable from the working directory, but got "
            f"{reference!r}: {error}."
        ) from error
    made = named() if isinstance(named, type) else named
    if isinstance(made, keras_tuner.HyperModel):
        return made
    if callable(made):
        return _Function(made)
    raise SearchError(
        f"`model` must name a keras_tuner.HyperModel, but {reference!r} is a {type(made).__name__}."
    )
