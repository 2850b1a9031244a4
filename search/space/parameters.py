"""Searched parameters as plain values, which need neither Keras Tuner nor TensorFlow."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from tracking import Scalar

Kind = Literal["Fixed", "Choice", "Boolean", "Int", "Float"]
_DECIMALS = 12


@dataclass(frozen=True, kw_only=True, slots=True)
class Condition:
    """The condition that a parameter exists only while its parent has one of the values.

    Attributes:
        name: Name of the parent, another parameter.
        values: The parent's values with which the parameter exists.
    """

    name: str
    values: tuple[Scalar, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Parameter:
    """One parameter of a search space.

    Attributes:
        name: Its name.
        kind: Keras Tuner's name for its type.
        default: Its value at the default point; for "Fixed", its only one.
        values: The choices, for "Choice".
        low: Least value, for "Int" and "Float".
        high: Greatest value, whether or not the steps reach it.
        step: Distance of two values, or their ratio where `log`; None for all between.
        log: Whether it is sampled evenly in its logarithm.
        mirrored: Whether `log` counts from the other end, Keras Tuner's "reverse_log": low + high
            less the value is what is sampled evenly in its logarithm.
        conditions: All must hold for the parameter to exist.
        variant: What tells it apart from another parameter of the same name that has other values:
            its conditions in words; empty for the first of a name.

    Example:
        >>> layered = Condition(name="family", values=("mlp", "neumf"))
        >>> units = Parameter(
        ...     name="units", kind="Int", default=16, low=8, high=64, step=2, log=True,
        ...     conditions=(layered,),
        ... )
        >>> units.every_value()  # each twice the one before
        [8, 16, 32, 64]
        >>> units.holds(24), units.nearest(24)  # 32 / 24 is a smaller ratio than 24 / 16
        (False, 32)
        >>> units.is_active({"family": "gmf"}), units.is_active({"family": "mlp"})
        (False, True)
    """

    name: str
    kind: Kind
    default: Scalar
    values: tuple[Scalar, ...] = ()
    low: Any = None
    high: Any = None
    step: Any = None
    log: bool = False
    mirrored: bool = False
    conditions: tuple[Condition, ...] = ()
    variant: str = ""

    @property
    def key(self) -> tuple[str, tuple[Condition, ...]]:
        """What Keras Tuner tells parameters apart by: the name and the conditions."""
        return self.name, self.conditions

    @property
    def domain(self) -> tuple[Any, ...]:
        """All that says which values it can have and how they are sampled; comparable."""
        ends = (self.low, self.high, self.step, self.log, self.mirrored)
        return (self.kind, *((self.listed(),) if self.kind not in ("Int", "Float") else ends))

    def is_active(self, values: Mapping[str, Scalar]) -> bool:
        """Whether the parameter exists in a configuration with the given values of its parents."""
        return all(c.name in values and values[c.name] in c.values for c in self.conditions)

    def holds(self, value: Scalar) -> bool:
        """Whether a search can give the parameter this value."""
        if self.kind in ("Fixed", "Choice", "Boolean"):
            return value in self.listed()
        if value is None or isinstance(value, str | bool) or not self.low <= value <= self.high:
            return False
        if self.kind == "Int" and value != int(value):
            return False
        if self.step is None:
            return True
        if self.log:
            return value in self.powers()
        steps = (value - self.low) / self.step
        return bool(abs(steps - round(steps)) < 1e-6)

    def listed(self) -> tuple[Scalar, ...]:
        """The values of a choice, a boolean or a fixed parameter."""
        own: dict[str, tuple[Scalar, ...]] = {"Fixed": (self.default,), "Boolean": (False, True)}
        return own.get(self.kind, self.values)

    def powers(self) -> list[Any]:
        """Every value of a range whose step multiplies: 8, 16, 32 for 8 to 32 with step 2."""
        values = [self.low]
        while values[-1] * self.step <= self.high * (1 + 1e-9):
            values.append(self.low * self.step ** len(values))
        if self.mirrored:
            values = [self.low + self.high - value for value in values]
        return [int(v) if self.kind == "Int" else float(v) for v in values]

    def every_value(self) -> list[Scalar]:
        """List every value of a parameter; a real range without step has infinitely many."""
        if self.kind not in ("Int", "Float"):
            return list(self.listed())
        if self.log and self.step is not None:
            return self.powers()
        step = self.step or 1
        count = math.floor((self.high - self.low) / step + 1e-9) + 1
        values = [self.low + number * step for number in range(count)]
        return [int(v) if self.kind == "Int" else self.rounded(float(v)) for v in values]

    def highest(self) -> Any:
        """The greatest value that steps reach: 0.9 in a range from 0.1 to 1.0 with steps of 0.4."""
        if self.step is None:
            return self.high
        steps = math.floor((self.high - self.low) / self.step + 1e-9)
        return self.rounded(self.low + steps * self.step)

    def rounded(self, value: float) -> float:
        """Round off floating-point error of steps: 6 x 0.05 is 0.3, not 0.30000000000000004."""
        return value if self.step is None else round(value, _DECIMALS)

    def nearest(self, value: float) -> Any:
        """The value of a range that is nearest to the given one."""
        value = min(max(value, self.low), self.high)
        if self.step is None:
            return value
        if self.log:
            return min(self.powers(), key=lambda power: abs(math.log(power / value)))
        steps = round((value - self.low) / self.step)
        return min(self.rounded(self.low + steps * self.step), self.highest())


def told_apart(space: Sequence[Parameter]) -> tuple[Parameter, ...]:
    """Give a parameter a variant where an earlier one has its name but other values.

    Optuna keeps one kind of values a name: without it a study could not hold both.

    Example:
        >>> small = Parameter(name="units", kind="Int", default=8, low=8, high=16)
        >>> deep = Condition(name="kind", values=("deep",))
        >>> wide = replace(small, high=64, conditions=(deep,))
        >>> [parameter.variant for parameter in told_apart([small, wide])]
        ['', 'kind is deep']
    """
    told: list[Parameter] = []
    for parameter in space:
        told.append(replace(parameter, variant=variant_beside(parameter, told)))
    return tuple(told)


def variant_beside(parameter: Parameter, others: Sequence[Parameter]) -> str:
    """What tells a parameter apart from others of its name: its conditions in words, or nothing.

    Args:
        parameter: A parameter, its variant unknown.
        others: Those that were declared before it, told apart already.
    """
    namesakes = [other for other in others if other.name == parameter.name]
    for other in namesakes:
        if other.domain == parameter.domain:
            return other.variant
    if not namesakes:
        return ""
    return when_in_words(parameter) or "always"


def when_in_words(parameter: Parameter) -> str:
    """The conditions of a parameter as declared, in words: "kind is deep"; empty without any."""
    return " and ".join(
        f"{c.name} is {' or '.join(map(str, c.values))}" for c in parameter.conditions
    )


def pick(space: Sequence[Parameter], name: str, values: Mapping[str, Scalar]) -> Parameter | None:
    """Find the parameter that a configuration means by a name, or None where there is none.

    Several have the same name where they exist under different conditions. The one that exists in
    the configuration and holds its value is meant; else one that exists, else the first.

    Args:
        space: Every parameter.
        name: The name.
        values: The configuration, by name.
    """
    named = [parameter for parameter in space if parameter.name == name]
    exist = [parameter for parameter in named if parameter.is_active(values)]
    hold = [p for p in exist if name in values and p.holds(values[name])]
    return next(iter([*hold, *exist, *named]), None)


def plain(parameter: Parameter) -> dict[str, Any]:
    """Convert a parameter to plain values, as JSON holds them; `from_plain` reads them again.

    What a parameter of an earlier version lacks (`mirrored`, `variant`) is left out where it says
    nothing, so that spaces stored then compare equal.
    """
    values: dict[str, Any] = json.loads(json.dumps(asdict(parameter)))
    return {k: v for k, v in values.items() if v or k not in ("mirrored", "variant")}


def from_plain(values: Mapping[str, Any]) -> Parameter:
    """Read a parameter from plain values.

    Args:
        values: As `plain` makes them, of an earlier version too.
    """
    conditions = tuple(
        Condition(name=c["name"], values=tuple(c["values"])) for c in values["conditions"]
    )
    return Parameter(**{**values, "values": tuple(values["values"]), "conditions": conditions})


def choice_text(value: Any) -> str:
    """A choice's value as a text; 7.0 and 7 are both "7"."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def always_active(space: Sequence[Parameter]) -> list[Parameter]:
    """The searched parameters that exist in every configuration of a space."""
    described = without_empty_conditions(space)
    return [parameter for parameter, when in described if not when and parameter.kind != "Fixed"]


def dividing_choice(space: Sequence[Parameter]) -> Parameter | None:
    """The choice that at least half of the searched parameters depend on, or None.

    A model's family is one: it says which other parameters there are.
    """
    searched = [parameter for parameter in space if parameter.kind != "Fixed"]
    named = Counter(c.name for p in searched for c in set(p.conditions))
    choices = [p for p in searched if p.kind == "Choice" and 2 * named[p.name] >= len(searched)]
    return max(choices, key=lambda choice: named[choice.name], default=None)


def without_empty_conditions(space: Sequence[Parameter]) -> list[tuple[Parameter, str]]:
    """Pair each parameter with its conditions in words, except conditions that cannot fail."""
    by_name: dict[str, list[Parameter]] = {}
    for parameter in space:
        by_name.setdefault(parameter.name, []).append(parameter)
    return [
        (
            parameter,
            " and ".join(
                _in_words(c, by_name[c.name][0])
                for c in parameter.conditions
                if any(can_fail(c, parent) for parent in by_name.get(c.name, ()))
            ),
        )
        for parameter in space
    ]


def can_fail(condition: Condition, parent: Parameter) -> bool:
    """Whether the parent has a value that breaks the condition.

    Args:
        condition: The condition.
        parent: The parameter that it names.
    """
    return parent.kind == "Float" or not set(parent.every_value()) <= set(condition.values)


def _in_words(condition: Condition, parent: Parameter) -> str:
    """A condition in words: "layers is 2 to 4", "family is mlp or neumf"."""
    possible = condition.values if parent.kind == "Float" else parent.every_value()
    values = [value for value in condition.values if value in possible]
    if len(values) == 1:
        return f"{condition.name} is {values[0]}"
    if not values:
        wanted = " or ".join(map(str, condition.values))
        return f"{condition.name} is {wanted} (not in this space)"
    numbers = [v for v in values if isinstance(v, int) and not isinstance(v, bool)]
    if len(numbers) == len(values) and numbers == list(range(numbers[0], numbers[-1] + 1)):
        return f"{condition.name} is {numbers[0]} to {numbers[-1]}"
    return f"{condition.name} is {' or '.join(map(str, values))}"
