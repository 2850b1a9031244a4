"""Keras Tuner's space, sampled with Optuna through public interfaces only."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, cast

import keras_tuner
import optuna

from search.errors import SearchError

Value = str | int | float | bool
_DECIMALS = 12
_EXPONENT = " (exponent)"


class SpaceAdapter:
    """Samples the parameters that are active, one after another, parents first."""

    def __init__(self, space: keras_tuner.HyperParameters) -> None:
        """Keep a declared space.

        Args:
            space: After one pass of `build` or `read` on an empty `HyperParameters`.

        Raises:
            SearchError: A parameter has no counterpart in Optuna.
        """
        self._space = space
        for parameter in space.space:
            if getattr(parameter, "sampling", None) == "reverse_log":
                raise SearchError(
                    f"`{parameter.name}` must be sampled linear or log, but got 'reverse_log'. "
                    "Optuna has no counterpart; search over max + min - value instead."
                )

    @property
    def parameters(self) -> list[Any]:
        """Every declared parameter, conditional ones too."""
        return list(self._space.space)

    def defaults(self) -> dict[str, Value]:
        """Real values of the default point, active parameters only."""
        return self._walk(lambda parameter: parameter.default)

    def sample(self, trial: optuna.Trial) -> dict[str, Value]:
        """Ask Optuna for a point.

        Returns:
            Real values by name, active parameters only.
        """
        return self._walk(lambda parameter: _suggest(trial, parameter))

    def encode(self, values: Mapping[str, Value]) -> dict[str, Value]:
        """The Optuna parameters that stand for real values, those that the space can hold.

        Args:
            values: Real values by name.

        Returns:
            Optuna's parameters, for `enqueue_trial`.
        """
        return dict(_encode(parameter, values[parameter.name]) for parameter in self._held(values))

    def teach(self, trial: optuna.Trial, values: Mapping[str, Value]) -> None:
        """Let the sampler learn from a trial whose values were queued with `encode`."""
        for parameter in self._held(values):
            _suggest(trial, parameter)

    def _held(self, values: Mapping[str, Value]) -> list[Any]:
        """The searched parameters whose given value lies in the space, parents first."""
        held = []

        def take(parameter: Any) -> Value:
            value: Value = values.get(parameter.name, parameter.default)
            searched = not isinstance(parameter, keras_tuner.engine.hyperparameters.Fixed)
            if searched and parameter.name in values and _holds(parameter, value):
                held.append(parameter)
            return value

        self._walk(take)
        return held

    def _walk(self, take: Any) -> dict[str, Value]:
        hp = self._space.copy()
        hp.values = {}
        for parameter in hp.space:
            if hp.is_active(parameter):
                hp.values[parameter.name] = take(parameter)
        return dict(hp.values)


def _suggest(trial: optuna.Trial, parameter: Any) -> Value:
    kinds = keras_tuner.engine.hyperparameters
    name = parameter.name
    if isinstance(parameter, kinds.Fixed):
        return cast("Value", parameter.value)
    if isinstance(parameter, kinds.Choice):
        return cast("Value", trial.suggest_categorical(name, list(parameter.values)))
    if isinstance(parameter, kinds.Boolean):
        return bool(trial.suggest_categorical(name, [False, True]))
    log = parameter.sampling == "log"
    if log and parameter.step is not None:
        exponent = trial.suggest_int(name + _EXPONENT, 0, _exponents(parameter))
        return _power(parameter, exponent)
    if isinstance(parameter, kinds.Int):
        low, step = int(parameter.min_value), int(parameter.step or 1)
        return trial.suggest_int(name, low, int(_highest(parameter)), step=step, log=log)
    value = trial.suggest_float(
        name, parameter.min_value, _highest(parameter), step=parameter.step, log=log
    )
    # Six steps of 0.05 add up to 0.30000000000000004.
    return value if parameter.step is None else round(value, _DECIMALS)


def _highest(parameter: Any) -> Any:
    """The greatest value that steps from the least one reach, as Optuna asks of a range."""
    low, high, step = parameter.min_value, parameter.max_value, parameter.step
    if step is None:
        return high
    return round(low + math.floor((high - low) / step + 1e-9) * step, _DECIMALS)


def _exponents(parameter: Any) -> int:
    count, value = 0, parameter.min_value
    while value * parameter.step <= parameter.max_value * (1 + 1e-9):
        value, count = value * parameter.step, count + 1
    return count


def _power(parameter: Any, exponent: int) -> Value:
    value = parameter.min_value * parameter.step**exponent
    return int(value) if isinstance(parameter.min_value, int) else float(value)


def _holds(parameter: Any, value: Value) -> bool:
    kinds = keras_tuner.engine.hyperparameters
    if isinstance(parameter, kinds.Choice):
        return bool(value in parameter.values)
    if isinstance(parameter, kinds.Boolean):
        return isinstance(value, bool)
    if isinstance(value, str):
        return False
    if not parameter.min_value <= value <= parameter.max_value:
        return False
    if parameter.step is None:
        return True
    if parameter.sampling == "log":
        return value in [_power(parameter, e) for e in range(_exponents(parameter) + 1)]
    steps = (value - parameter.min_value) / parameter.step
    return bool(abs(steps - round(steps)) < 1e-6)


def _encode(parameter: Any, value: Value) -> tuple[str, Value]:
    if getattr(parameter, "sampling", None) == "log" and parameter.step is not None:
        powers = [_power(parameter, e) for e in range(_exponents(parameter) + 1)]
        return parameter.name + _EXPONENT, powers.index(value)
    return parameter.name, value
