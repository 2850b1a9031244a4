"""Samples a space with Optuna, and translates a configuration's values to Optuna's parameters."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

import optuna
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from search.space.parameters import Parameter, pick
from tracking import Scalar

_EXPONENT = " (exponent)"
_MIRRORED = " (mirrored)"


class SpaceAdapter:
    """Translates between values as a model gets them (64, "relu") and Optuna's parameters.

    It samples the parameters that are active, one after another, parents first. Real values have
    the names that a user knows. Where the step of a range multiplies, as in 8, 16, 32, Optuna's
    parameter is the number of steps instead, under a name of its own.

    Example:
        >>> from search.space.parameters import Condition
        >>> layered = Condition(name="family", values=("mlp",))
        >>> adapter = SpaceAdapter([
        ...     Parameter(name="family", kind="Choice", default="mlp", values=("gmf", "mlp")),
        ...     Parameter(
        ...         name="units", kind="Int", default=16, low=8, high=64, step=2, log=True,
        ...         conditions=(layered,),
        ...     ),
        ... ])
        >>> adapter.defaults()
        {'family': 'mlp', 'units': 16}
        >>> adapter.encode({"family": "mlp", "units": 32})  # 32 is 8 doubled twice
        {'family': 'mlp', 'units (exponent)': 2}
        >>> study = optuna.create_study()
        >>> study.enqueue_trial(adapter.encode({"family": "gmf"}))
        >>> adapter.sample(study.ask())  # without the other family's `units`
        {'family': 'gmf'}
    """

    def __init__(self, space: Sequence[Parameter]) -> None:
        """Keep a declared space.

        Args:
            space: Every parameter, parents before those that depend on them.
        """
        self._space = space

    def defaults(self) -> dict[str, Scalar]:
        """The default configuration: each active parameter's default, as the model gets it."""
        return self._walk(lambda parameter: parameter.default)

    def sample(self, trial: optuna.Trial) -> dict[str, Scalar]:
        """Ask Optuna for a configuration.

        Args:
            trial: A running trial; its parameters are stored.

        Returns:
            Real values by name, active parameters only.
        """
        return self._walk(lambda parameter: suggest(trial, parameter))

    def encode(self, values: Mapping[str, Scalar]) -> dict[str, Scalar]:
        """Translate values as a model gets them (64, "relu") to Optuna's, if they are in the space.

        Args:
            values: Real values by name.

        Returns:
            Optuna's parameters, for `enqueue_trial`.
        """
        return dict(
            encode_one(parameter, values[parameter.name]) for parameter in self._held(values)
        )

    def distributions(self, values: Mapping[str, Scalar]) -> dict[str, BaseDistribution]:
        """Optuna's distributions of the parameters that `encode` returns for the same values."""
        return {optuna_name(p): distribution_of(p) for p in self._held(values)}

    def encode_given(self, values: Mapping[str, Scalar]) -> dict[str, Scalar]:
        """Translate values as a model gets them to Optuna's, with or without their parents' values.

        Args:
            values: Real values by name; each must be a value that its parameter can have.
        """
        meant = ((pick(self._space, name, values), value) for name, value in values.items())
        return dict(encode_one(p, v) for p, v in meant if p is not None and p.kind != "Fixed")

    def decode(self, params: Mapping[str, Any]) -> dict[str, Scalar]:
        """Translate Optuna's parameters to values as a model gets them.

        Args:
            params: Optuna's parameters by name; one that is missing has its default, and those of
                inactive parameters are passed over.

        Returns:
            Real values by name, active parameters only.
        """
        given = optuna.trial.FixedTrial(dict(params))
        return self._walk(
            lambda each: suggest(given, each) if optuna_name(each) in params else each.default
        )

    def teach(self, trial: optuna.Trial, values: Mapping[str, Scalar]) -> None:
        """Store a queued trial's values as its parameters, so that samplers learn from them.

        Args:
            trial: A running trial that was queued with `encode(values)`.
            values: Its real values.
        """
        for parameter in self._held(values):
            suggest(trial, parameter)

    def _held(self, values: Mapping[str, Scalar]) -> list[Parameter]:
        """List the searched parameters that have a given value within the space, parents first."""
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
        """Build a configuration, parents first, calling `take` for each active parameter."""
        values: dict[str, Scalar] = {}
        for parameter in self._space:
            if parameter.is_active(values):
                values[parameter.name] = take(parameter)
        return values


def suggest(trial: optuna.Trial | optuna.trial.FixedTrial, parameter: Parameter) -> Scalar:
    """Ask Optuna for one parameter, and store it with the trial.

    Args:
        trial: A running trial.
        parameter: The parameter; of a fixed one nothing is asked or stored.

    Returns:
        The value as a model gets it (64, "relu").
    """
    if parameter.kind == "Fixed":
        return parameter.default
    name, domain = optuna_name(parameter), distribution_of(parameter)
    if isinstance(domain, CategoricalDistribution):
        return trial.suggest_categorical(name, domain.choices)
    if isinstance(domain, IntDistribution):
        value = trial.suggest_int(name, domain.low, domain.high, step=domain.step, log=domain.log)
        is_power = parameter.log and parameter.step is not None
        return cast("Scalar", parameter.powers()[value] if is_power else _turned(parameter, value))
    real = cast("FloatDistribution", domain)
    drawn = trial.suggest_float(name, real.low, real.high, step=real.step, log=real.log)
    return cast("Scalar", _turned(parameter, parameter.rounded(drawn)))


def _turned(parameter: Parameter, value: Any) -> Any:
    """Count a mirrored parameter's value from the other end of its range; others stay."""
    if not parameter.mirrored:
        return value
    return min(max(parameter.low + parameter.high - value, parameter.low), parameter.high)


def distribution_of(parameter: Parameter) -> BaseDistribution:
    """Optuna's distribution of a searched parameter.

    Where the step of a range multiplies, it is the distribution of the number of steps.
    """
    low, log = parameter.low, parameter.log
    if parameter.kind in ("Choice", "Boolean"):
        return CategoricalDistribution(parameter.listed())
    if log and parameter.step is not None:
        return IntDistribution(0, len(parameter.powers()) - 1)
    if parameter.kind == "Int":
        step = int(parameter.step or 1)
        return IntDistribution(int(low), int(parameter.highest()), log=log, step=step)
    return FloatDistribution(low, parameter.highest(), log=log, step=parameter.step)


def encode_one(parameter: Parameter, value: Scalar) -> tuple[str, Scalar]:
    """Translate one value as a model gets it (64, "relu") to Optuna's parameter: name and value.

    Args:
        parameter: The parameter.
        value: A value that it holds.
    """
    is_power = parameter.log and parameter.step is not None
    given = parameter.powers().index(value) if is_power else _turned(parameter, value)
    return optuna_name(parameter), given


def optuna_name(parameter: Parameter) -> str:
    """Optuna's name of a parameter: "units", or "units (exponent)" if its step multiplies.

    A parameter that shares its name with another has its variant in it: "units [kind is deep]".
    """
    name = f"{parameter.name} [{parameter.variant}]" if parameter.variant else parameter.name
    if parameter.mirrored:
        return name + _MIRRORED
    return name + (_EXPONENT if parameter.log and parameter.step is not None else "")


def name_of(stored: str) -> str:
    """The name that a user knows, from Optuna's of the same parameter.

    Example:
        >>> name_of("units (exponent)"), name_of("units [kind is deep] (mirrored)")
        ('units', 'units [kind is deep]')
    """
    return stored.removesuffix(_MIRRORED).removesuffix(_EXPONENT)


def renewed(
    parameter: Parameter, former: Mapping[str, BaseDistribution], version: int
) -> Parameter:
    """Tell a parameter apart from an earlier one of its name that Optuna cannot keep beside it.

    Optuna refuses another list of choices, or another kind of number, under a name that has one.

    Args:
        parameter: A parameter of the changed space.
        former: The distributions of earlier trials.
        version: Version of the changed space.
    """
    if fits_beside(parameter, former):
        return parameter
    variant = f"{parameter.variant}, space {version}".removeprefix(", ")
    return replace(parameter, variant=variant)


def fits_beside(parameter: Parameter, former: Mapping[str, BaseDistribution]) -> bool:
    """Whether Optuna can keep a parameter beside an earlier one of its name, if there is one.

    Args:
        parameter: The parameter; of a fixed one Optuna keeps nothing.
        former: The distributions of earlier trials, by Optuna's name.
    """
    old = former.get(optuna_name(parameter))
    if old is None or parameter.kind == "Fixed":
        return True
    try:
        optuna.distributions.check_distribution_compatibility(old, distribution_of(parameter))
    except ValueError:
        return False
    return True
