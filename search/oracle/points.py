"""The points of a tuner's space: which were tried, and which are left."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

import keras_tuner
import numpy as np
import optuna
from optuna.trial import TrialState

from search.space.parameters import Parameter
from search.storage.trial_attributes import has_plan, outcome_of, plan_of
from tracking import KILLED, Scalar

ValuesOf = Callable[[Parameter], Iterable[Scalar]]


def point_key(values: Mapping[str, Scalar]) -> str:
    """A text that two configurations share only if their active values are the same."""
    return json.dumps(dict(values), sort_keys=True, default=str)


def tried_points(study: optuna.Study) -> set[str]:
    """The keys of all points that a trial has or had, those of interrupted trials left out."""
    return {
        point_key(plan_of(trial).values)
        for trial in study.get_trials(deepcopy=False)
        if has_plan(trial)
        and trial.state != TrialState.WAITING
        and not (trial.state == TrialState.FAIL and outcome_of(trial).state == KILLED)
    }


def untried(
    space: Sequence[Parameter], tried: Collection[str], values_of: ValuesOf
) -> Iterator[dict[str, Scalar]]:
    """List the points of a space that were not tried, one after another.

    Args:
        space: Parents before those that depend on them.
        tried: Keys of points.
        values_of: The values of a parameter that make up the points.

    Example:
        >>> line = Parameter(name="kind", kind="Choice", default="a", values=("a", "b", "c"))
        >>> list(untried([line], {point_key({"kind": "b"})}, Parameter.every_value))
        [{'kind': 'a'}, {'kind': 'c'}]
    """
    return (point for point in _points(space, {}, values_of) if point_key(point) not in tried)


def _points(
    space: Sequence[Parameter], values: Mapping[str, Scalar], values_of: ValuesOf
) -> Iterator[dict[str, Scalar]]:
    """List every point that has the given values, the last parameter varied first."""
    if not space:
        yield dict(values)
        return
    first, *rest = space
    if not first.is_active(values):
        yield from _points(rest, values, values_of)
        return
    for value in values_of(first):
        yield from _points(rest, {**values, first.name: value}, values_of)


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
    curve = "reverse_log" if getattr(parameter, "mirrored", False) else "log"
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
