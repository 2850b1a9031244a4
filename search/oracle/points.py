"""The points of a tuner's space: which were tried, and which are left."""

from __future__ import annotations

import json
from collections.abc import (
    Collection,
    Container,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from typing import Any

import keras_tuner
import numpy as np
import optuna
from optuna.trial import TrialState

from search.space.parameters import Parameter
from search.space.points import ValuesOf, every_point
from search.storage.trial_attributes import has_plan, outcome_of, plan_of
from tracking import KILLED, Scalar


class Tried:
    """The points of a space that trials of a study have or had, interrupted trials left out.

    Two points are the same where all their active values are. A trial may have been trained before
    its study knew of a parameter. Keras Tuner's grid takes it for tried whatever that parameter's
    value is, since its training never asked for it; its other oracles do not. Where the trial is
    still running, it will have the default of what it asks for.
    """

    def __init__(
        self,
        study: optuna.Study,
        space: Sequence[Parameter],
        *,
        in_parts: bool,
        others: Iterable[Mapping[str, Scalar]] = (),
    ) -> None:
        """Read the study's trials.

        Args:
            study: The study.
            space: The parameters that the tuner has declared so far.
            in_parts: Whether a complete trial stands for all points that have its values.
            others: Values of further trials, which the study may not have.
        """
        self._defaults = {parameter.name: parameter.default for parameter in space}
        self._whole = {_text(values) for values in others}
        self._parts: dict[frozenset[str], set[str]] = {}
        self._running: dict[frozenset[str], set[str]] = {}
        for trial in study.get_trials(deepcopy=False):
            cut_short = trial.state == TrialState.FAIL and outcome_of(trial).state == KILLED
            if not has_plan(trial) or trial.state == TrialState.WAITING or cut_short:
                continue
            values = plan_of(trial).values
            self._whole.add(_text(values))
            if trial.state == TrialState.RUNNING:
                self._running.setdefault(frozenset(values), set()).add(_text(values))
            elif trial.state == TrialState.COMPLETE and in_parts:
                self._parts.setdefault(frozenset(values), set()).add(_text(values))

    def __contains__(self, point: Any) -> bool:
        """Whether the point was tried, or is being tried."""
        if _text(point) in self._whole:
            return True
        defaults = self._defaults
        others = {name for name, value in point.items() if defaults.get(name) != value}
        return any(_is_part(names, texts, point) for names, texts in self._parts.items()) or any(
            others <= names and _is_part(names, texts, point)
            for names, texts in self._running.items()
        )


def _text(values: Mapping[str, Scalar]) -> str:
    """A text that two configurations share only if their values are the same."""
    return json.dumps(dict(values), sort_keys=True, default=str)


def _is_part(names: frozenset[str], texts: Collection[str], point: Mapping[str, Scalar]) -> bool:
    """Whether a trial had the point's values of these parameters, and no other parameters."""
    return names <= point.keys() and _text({name: point[name] for name in names}) in texts


def untried(
    space: Sequence[Parameter], tried: Container[Any], values_of: ValuesOf
) -> Iterator[dict[str, Scalar]]:
    """List the points of a space that were not tried, one after another.

    Args:
        space: Parents before those that depend on them.
        tried: The points that were.
        values_of: The values of a parameter that make up the points.

    Example:
        >>> letter = Parameter(name="letter", kind="Choice", default="a", values=("a", "b", "c"))
        >>> list(untried([letter], [{"letter": "b"}], Parameter.every_value))
        [{'letter': 'a'}, {'letter': 'c'}]
    """
    return (point for point in every_point(space, values_of) if point not in tried)


def grid_values(parameter: Parameter) -> list[Scalar]:
    """The values of a parameter in a grid, as Keras Tuner's grid search has them.

    The default comes first. Of a range of real numbers without a step, and of a logarithmic one of
    whole numbers, there are ten values, spread evenly.

    Args:
        parameter: The parameter.

    Example:
        >>> grid_values(Parameter(name="n", kind="Int", default=3, low=2, high=4))
        [3, 2, 4]
    """
    values = parameter.every_value() if _is_listed(parameter) else _ten(parameter)
    return [parameter.default, *(value for value in values if value != parameter.default)]


def _is_listed(parameter: Parameter) -> bool:
    """Whether a grid has every value of a parameter."""
    linear = parameter.kind == "Int" and not parameter.log
    return parameter.kind not in ("Int", "Float") or parameter.step is not None or linear


def _ten(parameter: Parameter) -> list[Scalar]:
    """Ten values of a range, as Keras Tuner spreads them."""
    declared = keras_tuner.HyperParameters()
    declare = declared.Int if parameter.kind == "Int" else declared.Float
    curve = "reverse_log" if parameter.mirrored else "log"
    sampling = curve if parameter.log else "linear"
    declare(parameter.name, parameter.low, parameter.high, sampling=sampling)
    return sorted(declared.space[0].values)


def some_values(random: np.random.Generator) -> ValuesOf:
    """Make a function that gives every value of a parameter, of a real range one at random.

    With it `untried` has a point as long as the space has one that was not tried.

    Args:
        random: Draws the values of real ranges.
    """

    def values(parameter: Parameter) -> Iterable[Scalar]:
        low, high, step = parameter.low, parameter.high, parameter.step
        if parameter.kind == "Float" and step is None:
            return [float(random.uniform(low, high))]
        if parameter.kind == "Int" and not (parameter.log and step):
            return range(int(low), int(high) + 1, int(step or 1))
        return parameter.every_value()

    return values
