"""Declares parameters as Keras Tuner does; `[space]` of a study file overrides."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol

from models import ModelsError
from models.checks import told
from search.errors import SearchError
from search.space.parameters import Parameter, choice_text

Check = Callable[[Any], object]
_KEYS = ("min", "max", "step", "log")


@dataclass(frozen=True, kw_only=True, slots=True)
class Range:
    """The default range of a numeric parameter; a study file may narrow or replace the range.

    Attributes:
        low: Least value.
        high: Greatest value.
        default: The published baseline's value.
        step: Distance of two values, or their ratio where `log`; None for all between, or for
            every whole number.
        log: Whether it is sampled evenly in its logarithm.
    """

    low: float
    high: float
    default: float
    step: float | None = None
    log: bool = False


class Declares(Protocol):
    """What parameters are declared on: `keras_tuner.HyperParameters`, or a `Listing`.

    A method that declares a parameter returns its value, or None where the parameter does not
    exist, as a scope's condition does not hold.
    """

    def conditional_scope(
        self, parent_name: str, parent_values: list[Any], /
    ) -> AbstractContextManager[None]:
        """Open a scope for parameters that exist only while their parent has one of the values."""

    def Int(
        self, name: str, low: int, high: int, /, step: int | None, sampling: str, default: Any
    ) -> Any:
        """Declare a whole number; its `sampling` is "linear" or "log"."""

    def Float(
        self, name: str, low: float, high: float, /, step: float | None, sampling: str, default: Any
    ) -> Any:
        """Declare a real number."""

    def Choice(self, name: str, values: list[Any], /, *, default: Any) -> Any:
        """Declare a choice among values of one type."""

    def Fixed(self, name: str, value: Any, /) -> Any:
        """Declare a parameter of one value."""


class Declaration:
    """Declares parameters on a `HyperParameters` and returns the values that it holds.

    Each method that declares a parameter returns its value: the default on an empty
    `HyperParameters`, else the value that it holds. What a study file says replaces the usual.
    """

    def __init__(self, hp: Declares, overrides: Mapping[str, Any]) -> None:
        """Keep the `HyperParameters` and the overrides; the methods declare the parameters.

        Args:
            hp: Empty to declare; with values to read.
            overrides: From a study file's `[space]`: by name a value, a list, or a table.
        """
        self._hp = hp
        self._overrides = overrides
        self._used: list[str] = []

    def when(self, parent: str, values: Sequence[Any]) -> AbstractContextManager[None]:
        """Open a scope for parameters that exist only while their parent has one of the values.

        Args:
            parent: Name of the parent, a parameter that was declared before.
            values: The parent's values with which the scope's parameters exist.
        """
        return self._hp.conditional_scope(parent, list(values))

    def integer(self, name: str, usual: Range, check: Check) -> int:
        """Declare a whole number and return its value.

        Args:
            name: The parameter.
            usual: Its range where the study file gives none.
            check: Raises `ModelsError` for a value that the model refuses.

        Raises:
            SearchError: The study file's rule does not fit.
        """
        return int(self._number(name, usual, check, int))

    def real(self, name: str, usual: Range, check: Check) -> float:
        """Declare a real number and return its value; `integer` explains the arguments."""
        return float(self._number(name, usual, check, float))

    def choice(self, name: str, known: Sequence[str], default: str, check: Check) -> str:
        """Declare a choice among texts and return its value; numbers become texts.

        Args:
            name: The parameter.
            known: Its values where the study file gives none.
            default: The published baseline's value.
            check: Raises `ModelsError` for a value that the model refuses.

        Raises:
            SearchError: The study file's rule does not fit.
        """
        rule = self._rule(name)
        if isinstance(rule, Mapping):
            raise SearchError(
                f"`space.{name}` must be a value or a list of values, but got a table."
            )
        if rule is None:
            return str(self._one_of(name, list(known), default))
        values = [choice_text(value) for value in _checked(name, rule, check)]
        return str(self._one_of(name, values, default))

    def most(self, name: str, usual: int) -> int:
        """The greatest value that an integer parameter can have under the study file's overrides.

        Args:
            name: The parameter, which need not be declared.
            usual: Its greatest value where the study file says nothing.
        """
        rule = self._overrides.get(name)
        if isinstance(rule, Mapping):
            rule = rule.get("max", usual)
        values = rule if isinstance(rule, list | tuple) else [usual if rule is None else rule]
        return max([v for v in values if isinstance(v, int)], default=usual)

    def check_all_used(self) -> None:
        """Refuse overrides that name no declared parameter.

        Raises:
            SearchError: An override does; the message lists the known names.
        """
        for name in self._overrides:
            if name not in self._used:
                raise SearchError(
                    f"`[space]` may name only parameters of the model, but got `{name}`. "
                    f"Known: {', '.join(self._used)}."
                )

    def _rule(self, name: str) -> Any:
        self._used.append(name)
        return self._overrides.get(name)

    def _number(self, name: str, usual: Range, check: Check, kind: type) -> Any:
        """Declare a number: a range, or the choice or fixed value that the study file gives."""
        rule = self._rule(name)
        if rule is not None and not isinstance(rule, Mapping):
            values = [kind(value) for value in _checked(name, rule, check)]
            return self._one_of(name, values, usual.default)
        if rule is not None:
            usual = _narrowed(name, rule, usual, check, kind)
        low, high = kind(usual.low), kind(usual.high)
        if low == high:
            return self._one_of(name, [low], low)
        declare = self._hp.Int if kind is int else self._hp.Float
        default = _reachable(name, usual, kind)
        value = declare(
            name,
            low,
            high,
            step=None if usual.step is None else kind(usual.step),
            sampling="log" if usual.log else "linear",
            default=default,
        )
        return default if value is None else value

    def _one_of(self, name: str, values: list[Any], default: Any) -> Any:
        """Declare a choice among values, or a fixed parameter if there is only one value."""
        if len(values) == 1:
            fixed = self._hp.Fixed(name, values[0])
            return values[0] if fixed is None else fixed
        default = default if default in values else values[0]
        chosen = self._hp.Choice(name, values, default=default)
        return default if chosen is None else chosen


def _reachable(name: str, usual: Range, kind: type) -> Any:
    """The default, or the nearest value of the range if the default is not in the range."""
    parameter = Parameter(
        name=name,
        kind="Int" if kind is int else "Float",
        default=usual.default,
        low=usual.low,
        high=usual.high,
        step=usual.step,
        log=usual.log,
    )
    return kind(parameter.nearest(usual.default))


def _checked(name: str, rule: Any, check: Check) -> list[Any]:
    """The values that a study file lists for a parameter, each once."""
    values = list(rule) if isinstance(rule, list | tuple) else [rule]
    if not values:
        raise SearchError(f"`space.{name}` must list at least one value, but got {rule!r}.")
    for value in values:
        _check(name, value, check)
    return list(dict.fromkeys(values))


def _check(name: str, value: Any, check: Check) -> None:
    try:
        check(value)
    except ModelsError as error:
        raise SearchError(f"In `[space]`, {error}") from error


def _narrowed(name: str, rule: Mapping[str, Any], usual: Range, check: Check, kind: type) -> Range:
    """Change the usual range as a study file's table `{min, max, step, log}` says."""
    unknown = sorted(set(rule) - set(_KEYS))
    if unknown:
        raise SearchError(f"`space.{name}` may hold {', '.join(_KEYS)}, but got `{unknown[0]}`.")
    low, high = rule.get("min", usual.low), rule.get("max", usual.high)
    for end in (low, high):
        _check(name, end, check)
    if low > high:
        raise SearchError(f"`space.{name}` must have min at most max, but got {low} and {high}.")
    step = rule.get("step", None if "log" in rule else usual.step)
    # A step of the file without a word on `log` is a step of even distances.
    log = rule.get("log", usual.log and "step" not in rule and low > 0)
    if not isinstance(log, bool):
        raise SearchError(f"`space.{name}` must have log true or false, but got {told(log)}.")
    if log and low <= 0:
        raise SearchError(f"`space.{name}` must have min above 0 where log is true, but got {low}.")
    if step is not None:
        _check_step(name, step, log, kind)
    return Range(low=low, high=high, default=usual.default, step=step, log=log)


def _check_step(name: str, step: Any, log: bool, kind: type) -> None:
    least = 1 if log else 0
    number = isinstance(step, kind | int) and not isinstance(step, bool)
    if not number or not least < step < math.inf:
        what = "a whole number" if kind is int else "a finite number"
        why = " (with log it multiplies)" if log else ""
        raise SearchError(
            f"`space.{name}` must have {what} above {least} as step{why}, but got {told(step)}."
        )
