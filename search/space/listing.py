"""Lists the parameters that are declared on it as Keras Tuner would, without importing it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from search.space.parameters import Condition, Parameter, told_apart


class Listing:
    """Declares parameters and holds their values, as `keras_tuner.HyperParameters` does.

    It is the part of that class that `Declaration` uses, by the same rules, for a process that is
    not to load TensorFlow. What `Declaration` has checked is not checked again: ends and steps of
    ranges, and which values a choice has.

    Attributes:
        values: Active parameters' values by name; the defaults of those that it lacks are added.

    Example:
        >>> listing = Listing({"family": "gmf"})
        >>> listing.Choice("family", ["mlp", "gmf"], default="mlp")
        'gmf'
        >>> with listing.conditional_scope("family", ["mlp"]):
        ...     print(listing.Int("layers", 1, 4))
        None
        >>> listing.Float("rate", 0.0, 0.9, step=0.1, default=0.5)
        0.5
        >>> listing.values
        {'family': 'gmf', 'rate': 0.5}
        >>> [parameter.name for parameter in listing.parameters]
        ['family', 'layers', 'rate']
    """

    def __init__(self, values: Mapping[str, Any] | None = None) -> None:
        """Keep the values; nothing is declared yet.

        Args:
            values: A configuration to read, or None to declare at the defaults.
        """
        self.values: dict[str, Any] = dict(values or {})
        self._declared: dict[tuple[str, tuple[Condition, ...]], Parameter] = {}
        self._conditions: tuple[Condition, ...] = ()

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """Every declared parameter, conditional ones too, parents first.

        As `search.space.hypermodel.parameters` lists those of a `HyperParameters`.
        """
        return told_apart(list(self._declared.values()))

    @contextmanager
    def conditional_scope(self, parent_name: str, parent_values: Sequence[Any]) -> Iterator[None]:
        """Open a scope for parameters that exist only while their parent has one of the values.

        Args:
            parent_name: The parent, which must be declared in just the scope that is open now.
            parent_values: The parent's values with which the scope's parameters exist.

        Raises:
            ValueError: No such parent is declared in this scope.
        """
        if (parent_name, self._conditions) not in self._declared:
            raise ValueError(f"`HyperParameter` named: {parent_name} not defined.")
        outer = self._conditions
        condition = Condition(name=parent_name, values=_of_one_type(parent_values))
        self._conditions = (*outer, condition)
        try:
            yield
        finally:
            self._conditions = outer

    def Int(
        self,
        name: str,
        min_value: int,
        max_value: int,
        step: int | None = None,
        sampling: str = "linear",
        default: int | None = None,
    ) -> Any:
        """Declare a whole number and return its value; None where it does not exist.

        Args:
            name: The parameter.
            min_value: Its least value.
            max_value: Its greatest value.
            step: Distance of two values, or their ratio where `sampling` is not "linear".
            sampling: "linear", "log" or "reverse_log".
            default: Its value where none is given; None for the least.
        """
        parameter = Parameter(
            name=name,
            kind="Int",
            default=min_value if default is None else default,
            low=min_value,
            high=max_value,
            step=1 if step is None and sampling == "linear" else step,
            log=sampling != "linear",
            mirrored=sampling == "reverse_log",
            conditions=self._conditions,
        )
        return self._value(parameter)

    def Float(
        self,
        name: str,
        min_value: float,
        max_value: float,
        step: float | None = None,
        sampling: str = "linear",
        default: float | None = None,
    ) -> Any:
        """Declare a real number and return its value; `Int` explains the arguments."""
        parameter = Parameter(
            name=name,
            kind="Float",
            default=float(min_value) if default is None else default,
            low=float(min_value),
            high=float(max_value),
            step=step,
            log=sampling != "linear",
            mirrored=sampling == "reverse_log",
            conditions=self._conditions,
        )
        return self._value(parameter)

    def Choice(self, name: str, values: Sequence[Any], *, default: Any = None) -> Any:
        """Declare a choice and return its value; None where it does not exist.

        Args:
            name: The parameter.
            values: All that it can be, of one type.
            default: Its value where none is given; None for the first.
        """
        parameter = Parameter(
            name=name,
            kind="Choice",
            default=values[0] if default is None else default,
            values=tuple(values),
            conditions=self._conditions,
        )
        return self._value(parameter)

    def Fixed(self, name: str, value: Any) -> Any:
        """Declare a parameter of one value and return it; None where it does not exist.

        Args:
            name: The parameter.
            value: Its only value. Another one that `values` has is returned in its place.
        """
        conditions = self._conditions
        return self._value(Parameter(name=name, kind="Fixed", default=value, conditions=conditions))

    def _value(self, parameter: Parameter) -> Any:
        """List a parameter, and find its value: None where a condition of it does not hold.

        Of two with one name and the same conditions the first is listed.
        """
        name = parameter.name
        if parameter.key not in self._declared:
            if any(condition.name == name for condition in parameter.conditions):
                raise ValueError(
                    "A conditional `HyperParameter` cannot have the same name as its parent. "
                    f"Found: {name} and parent_name: {name}"
                )
            self._declared[parameter.key] = parameter
            if parameter.is_active(self.values):
                self.values.setdefault(name, parameter.default)
        return self.values[name] if parameter.is_active(self.values) else None


def _of_one_type(values: Sequence[Any]) -> tuple[Any, ...]:
    """A condition's values, texts or whole numbers where the first of them is one."""
    first = values[0]
    if isinstance(first, bool) or not isinstance(first, str | int):
        return tuple(values)
    return tuple(map(str if isinstance(first, str) else int, values))
