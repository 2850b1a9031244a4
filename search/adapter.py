"""A space of parameters, sampled with Optuna through public interfaces only."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import cast

import optuna

from search.parameters import Parameter
from tracking import Scalar

_EXPONENT = " (exponent)"


class SpaceAdapter:
    """Samples the parameters that are active, one after another, parents first."""

    def __init__(self, space: Sequence[Parameter]) -> None:
        """Keep a declared space.

        Args:
            space: Every parameter, parents before those that depend on them.
        """
        self._space = space

    def defaults(self) -> dict[str, Scalar]:
        """Real values of the default point, active parameters only."""
        return self._walk(lambda parameter: parameter.default)

    def sample(self, trial: optuna.Trial) -> dict[str, Scalar]:
        """Ask Optuna for a point.

        Returns:
            Real values by name, active parameters only.
        """
        return self._walk(lambda parameter: _suggest(trial, parameter))

    def encode(self, values: Mapping[str, Scalar]) -> dict[str, Scalar]:
        """The Optuna parameters that stand for real values, those that the space can hold.

        Args:
            values: Real values by name.

        Returns:
            Optuna's parameters, for `enqueue_trial`.
        """
        return dict(_encode(parameter, values[parameter.name]) for parameter in self._held(values))

    def teach(self, trial: optuna.Trial, values: Mapping[str, Scalar]) -> None:
        """Let the sampler learn from a trial whose values were queued with `encode`."""
        for parameter in self._held(values):
            _suggest(trial, parameter)

    def _held(self, values: Mapping[str, Scalar]) -> list[Parameter]:
        """The searched parameters whose given value lies in the space, parents first."""
        held = []

        def take(parameter: Parameter) -> Scalar:
            value = values.get(parameter.name, parameter.default)
            searched = parameter.kind != "Fixed" and parameter.name in values
            if searched and parameter.holds(value):
                held.append(parameter)
            return value

        self._walk(take)
        return held

    def _walk(self, take: Callable[[Parameter], Scalar]) -> dict[str, Scalar]:
        values: dict[str, Scalar] = {}
        for parameter in self._space:
            if parameter.is_active(values):
                values[parameter.name] = take(parameter)
        return values


def _suggest(trial: optuna.Trial, parameter: Parameter) -> Scalar:
    name, low, log = parameter.name, parameter.low, parameter.log
    if parameter.kind == "Fixed":
        return parameter.default
    if parameter.kind in ("Choice", "Boolean"):
        return trial.suggest_categorical(name, list(parameter.listed()))
    if log and parameter.step is not None:
        powers = parameter.powers()
        return cast("Scalar", powers[trial.suggest_int(name + _EXPONENT, 0, len(powers) - 1)])
    high = parameter.highest()
    if parameter.kind == "Int":
        step = int(parameter.step or 1)
        return trial.suggest_int(name, int(low), int(high), step=step, log=log)
    value = trial.suggest_float(name, low, high, step=parameter.step, log=log)
    return parameter.rounded(value)


def _encode(parameter: Parameter, value: Scalar) -> tuple[str, Scalar]:
    if parameter.log and parameter.step is not None:
        return parameter.name + _EXPONENT, parameter.powers().index(value)
    return parameter.name, value
