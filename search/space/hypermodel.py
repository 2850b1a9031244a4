"""Converts Keras Tuner's `HyperParameters` to plain parameters and back; loads HyperModels."""

from __future__ import annotations

import contextlib
import importlib
import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

import keras_tuner

from search.config.sections import TUNER_MODEL
from search.config.study import StudyConfig
from search.errors import SearchError, in_one_line
from search.space import ratings
from search.space.parameters import Condition, Kind, Parameter, told_apart
from search.space.scores import ScoreRange


def parameters(hp: keras_tuner.HyperParameters) -> tuple[Parameter, ...]:
    """List every declared parameter, conditional ones too, parents first.

    Where two have the same name and other values, the later one is given a variant.

    Args:
        hp: After `build` or `read` declared on it.
    """
    return told_apart([parameter_of(declared) for declared in hp.space])


def parameter_of(declared: Any) -> Parameter:
    """Convert one declared parameter of Keras Tuner's; its variant is left empty.

    Args:
        declared: A `keras_tuner` `Choice`, `Boolean`, `Fixed`, `Int` or `Float`.
    """
    sampling = getattr(declared, "sampling", None)
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
        log=sampling in ("log", "reverse_log"),
        mirrored=sampling == "reverse_log",
        conditions=tuple(
            Condition(name=c.name, values=tuple(c.values)) for c in declared.conditions
        ),
    )


def discover(hypermodel: keras_tuner.HyperModel) -> keras_tuner.HyperParameters:
    """Find the parameters that a HyperModel declares before any trial: a build a conditional scope.

    It is built at its defaults, then once for each conditional scope that was closed so far, with
    values that open it, as Keras Tuner's own tuners do. What appears only for other values, or in
    `fit`, is met while a trial runs.

    Args:
        hypermodel: The HyperModel. What it raises at its defaults goes through; what it raises at
            other values is left to the trials.

    Returns:
        All that was declared, with its defaults as values.
    """
    found = keras_tuner.HyperParameters()
    hypermodel.declare_hyperparameters(found)
    opened: list[Any] = []
    closed = _build_at(hypermodel, found, [])
    while closed:
        scope = closed.pop(0)
        if scope in opened:
            continue
        opened.append(scope)
        with contextlib.suppress(Exception):
            closed += _build_at(hypermodel, found, scope)
    return found


def _build_at(
    hypermodel: keras_tuner.HyperModel, found: keras_tuner.HyperParameters, scope: Sequence[Any]
) -> list[Any]:
    """Build at defaults but for a scope's conditions, add what it declares, list closed scopes."""
    hp = found.copy()
    for condition in scope:
        parent = next(p for p in hp.space if p.name == condition.name)
        held = [v for v in condition.values if parameter_of(parent).holds(v)]
        hp.values[condition.name] = held[0] if held else condition.values[0]
        for declared in hp.space:
            if not hp.is_active(declared):
                hp.values.pop(declared.name, None)
            elif declared.name not in hp.values:
                hp.values[declared.name] = declared.default
    try:
        hypermodel.build(hp)
    finally:
        found.merge(hp, overwrite=False)
    return list(hp.inactive_scopes)


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
                curve = "reverse_log" if stored.get("mirrored") else "log"
                sampling = curve if stored["log"] else "linear"
                low, high, step = stored["low"], stored["high"], stored["step"]
                declare(name, low, high, step, sampling, default=default)
    return hp


def declare(
    config: StudyConfig, scores: ScoreRange | None = None, ids: int = 0
) -> keras_tuner.HyperParameters:
    """Declare what a study searches on a new `HyperParameters`.

    Args:
        config: The study; "baseline" and "as-written" search nothing.
        scores: The range of the scores, which the space of rating models fits; None for any.
        ids: Users and movies, as `search.space.ratings.read` takes them.

    Raises:
        SearchError: A mistake in `[space]`, or no such model.
    """
    hp = keras_tuner.HyperParameters()
    if config.model == "ratings":
        ratings.read(hp, config.space, scores, ids)
    elif not config.rates:
        return discover(load_hypermodel(config.model))
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
    named = import_named("model", "module:HyperModel", reference)
    made = _made(named, reference) if isinstance(named, type) else named
    if isinstance(made, keras_tuner.HyperModel):
        return made
    if callable(made):
        return _Function(made)
    raise SearchError(
        f"`model` must name a keras_tuner.HyperModel, but {reference!r} is a {type(made).__name__}."
    )


def has_own_fit(hypermodel: keras_tuner.HyperModel) -> bool:
    """Whether a HyperModel trains by a `fit` of its own, not by Keras Tuner's."""
    return type(hypermodel).fit is not keras_tuner.HyperModel.fit


def import_named(setting: str, form: str, reference: str) -> Any:
    """Import what a setting names as `module:NAME`.

    Args:
        setting: The setting, for the message.
        form: What it must look like, for the message.
        reference: `module:NAME`, importable from the working directory.

    Raises:
        SearchError: Nothing of that name can be imported, or the module raises while it is.
    """
    module_name, name = reference.split(":")
    try:
        return getattr(importlib.import_module(module_name), name)
    except Exception as error:
        is_missing = isinstance(error, ImportError | AttributeError)
        text = str(error) if is_missing else in_one_line(error)
        raise SearchError(
            f"`{setting}` must be `{form}`, importable from the working directory, but got "
            f"{reference!r}: {text}."
        ) from error


def _made(named: type, reference: str) -> Any:
    """Make a user's class; refuse one that needs arguments."""
    try:
        inspect.signature(named).bind()
    except TypeError as error:
        raise SearchError(
            f"`model` must name a class that is made without arguments, but {reference!r} is not "
            f"({error}). Make one in its module, and name that: `module:hypermodel`."
        ) from error
    except ValueError:  # a class without a signature
        pass
    try:
        return named()
    except Exception as error:
        raise SearchError(
            f"`model` must name a class that can be made, but {reference!r} raised "
            f"{in_one_line(error)}."
        ) from error
