"""Configurations that a user wants tried first: read from a file, checked against the space."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from models.checks import told
from search.errors import SearchError
from search.space.parameters import Condition, Parameter, can_fail, choice_text, pick
from tracking import Scalar


def read_configurations(path: Path) -> list[dict[str, Scalar]]:
    """Read configurations from a file.

    Args:
        path: JSON (a list of objects, or one object) or TOML (a table `[[trial]]` each).

    Returns:
        The configurations in the file's order, each by parameter name and value.

    Raises:
        SearchError: There is no such file, or it holds something else.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SearchError(
            f"`--enqueue` must be a JSON or TOML file, but {path} cannot be read "
            f"({getattr(error, 'strerror', None) or 'it is not text'})."
        ) from error
    try:
        if path.suffix == ".toml":
            content: Any = tomllib.loads(text).get("trial", [])
        else:
            content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise SearchError(
            f"`--enqueue` must be a JSON or TOML file, but {path} is not: {error}."
        ) from error
    listed = [content] if isinstance(content, dict) else content
    if not isinstance(listed, list) or not listed or not all(_is_flat(each) for each in listed):
        raise SearchError(
            f"`--enqueue` must hold configurations, each names with values, but {path} does not. "
            'In JSON: [{"learning_rate": 0.02}, …]; in TOML: a table [[trial]] each.'
        )
    return listed


def _is_flat(value: Any) -> bool:
    """Whether a value is a dict of texts and numbers alone."""
    return isinstance(value, dict) and all(
        isinstance(each, str | int | float | bool) for each in value.values()
    )


def check_configurations(
    configurations: Sequence[Mapping[str, Scalar]],
    space: Sequence[Parameter],
    *,
    grows: bool = False,
) -> list[dict[str, Scalar]]:
    """Check that each configuration lies in a space.

    A configuration may leave parameters out; the sampler chooses these.

    Args:
        configurations: Values by parameter name.
        space: Every parameter, parents first.
        grows: Whether trials may meet further parameters, so that an unknown name may be one.

    Returns:
        The configurations, a number where the space has a text as that text: 256 as "256".

    Raises:
        SearchError: A name is unknown, a value lies outside of its range, or a parameter does not
            exist beside the other values; the message names the first such case.
    """
    checked = []
    for place, values in enumerate(configurations, 1):
        known = {p.name: pick(space, p.name, values) or p for p in space}
        checked.append(_as_chosen(values, known))
        _check_one(checked[-1], place, known, grows=grows)
    return checked


def left_out(
    place: int,
    values: Mapping[str, Scalar],
    space: Sequence[Parameter],
    met: Sequence[Parameter] = (),
) -> str:
    """Say what becomes of the parameters that a configuration leaves out; empty if it has all.

    Args:
        place: The configuration's number in its file, 1 for the first.
        values: The configuration, as `check_configurations` returned it.
        space: Every parameter that was known before any trial, parents first.
        met: Those that trials met while they ran; a model need not ask for them.

    Example:
        >>> rate = Parameter(name="rate", kind="Float", default=0.1, low=0.0, high=0.5)
        >>> patience = Parameter(name="patience", kind="Fixed", default=30)
        >>> left_out(1, {}, [rate, patience])
        'Configuration 1 of `--enqueue` leaves values out: rate is drawn; patience is 30.'
    """
    known = {parameter.name: parameter for parameter in (*space, *met)}
    settled = {p.name: p.every_value()[0] for p in space if _is_fixed(p)} | dict(values)
    missing = [p for p in space if p.name not in values and not _inactive(p, settled, known)]
    drawn = [p.name for p in missing if not _is_fixed(p)]
    parts = [_drawn(drawn)] if drawn else []
    parts += [f"{p.name} is {p.every_value()[0]}" for p in missing if _is_fixed(p)]
    free = [p for p in met if p.name not in (*values, *drawn) and not _is_fixed(p)]
    late = list(dict.fromkeys(p.name for p in free if not _inactive(p, settled, known)))
    parts += [f"{_drawn(late)} where its model asks for {_them(late)}"] if late else []
    if not parts:
        return ""
    return f"Configuration {place} of `--enqueue` leaves values out: {'; '.join(parts)}."


def _drawn(names: Sequence[str]) -> str:
    """Say that parameters are drawn: "units, rate are drawn"."""
    return f"{', '.join(names)} {'is' if len(names) == 1 else 'are'} drawn"


def _them(names: Sequence[str]) -> str:
    return "it" if len(names) == 1 else "them"


def unmet(values: Mapping[str, Scalar], space: Sequence[Parameter]) -> dict[str, Scalar]:
    """The values of a configuration whose names are not in a space yet.

    Args:
        values: The configuration.
        space: Every parameter that is known.

    Example:
        >>> rate = Parameter(name="rate", kind="Float", default=0.1, low=0.0, high=0.5)
        >>> unmet({"rate": 0.2, "units_3": 64}, [rate])
        {'units_3': 64}
    """
    known = {parameter.name for parameter in space}
    return {name: value for name, value in values.items() if name not in known}


def as_value_of(parameter: Parameter, wanted: Scalar) -> Scalar | None:
    """A wanted value as the parameter has it, 256 as "256"; None where it cannot have it.

    Args:
        parameter: The parameter.
        wanted: The value that a user wrote.
    """
    value = _as_chosen({parameter.name: wanted}, {parameter.name: parameter})[parameter.name]
    return value if parameter.holds(value) else None


def without_effect(names: Iterable[str], space: Sequence[Parameter]) -> list[str]:
    """Say which settings of `[space]` have no effect, since nothing in the space ever has them.

    Args:
        names: The parameters that `[space]` names.
        space: Every parameter, parents first.

    Example:
        >>> family = Parameter(name="family", kind="Fixed", default="gmf")
        >>> layered = Condition(name="family", values=("mlp", "neumf"))
        >>> layers = Parameter(name="layers", kind="Fixed", default=2, conditions=(layered,))
        >>> without_effect(["family", "layers"], [family, layers])
        ['`layers` in `[space]` has no effect: only where family is mlp or neumf is there one.']
    """
    known = {parameter.name: parameter for parameter in space}
    lines = []
    for parameter in (known[name] for name in names if name in known):
        for condition in parameter.conditions:
            parent = known[condition.name]
            possible = parent.kind == "Float" or any(
                value in condition.values for value in parent.every_value()
            )
            if not possible:
                wanted = " or ".join(str(value) for value in condition.values)
                lines.append(
                    f"`{parameter.name}` in `[space]` has no effect: only where {condition.name} "
                    f"is {wanted} is there one."
                )
                break
    return lines


def _is_fixed(parameter: Parameter) -> bool:
    """Whether a parameter has one value only."""
    if parameter.kind in ("Int", "Float"):
        return bool(parameter.low == parameter.highest())
    return len(parameter.listed()) == 1


def _must_be_known(
    values: Mapping[str, Scalar], place: int, known: Mapping[str, Parameter]
) -> None:
    """Refuse names that no parameter has, all at once, with the nearest that one has."""
    listed = []
    for name in unmet(values, list(known.values())):
        near = get_close_matches(name, known, 1, 0.75)
        listed.append(f"`{name}` ({near[0]}?)" if near else f"`{name}`")
    if listed:
        raise SearchError(
            f"A configuration may name only parameters of the space, but number {place} has "
            f"{', '.join(listed)}. Known: {', '.join(known)}."
        )


def _check_one(
    values: Mapping[str, Scalar], place: int, known: Mapping[str, Parameter], *, grows: bool
) -> None:
    """Refuse a configuration that does not lie in the space; `place` is its number in the file."""
    if not grows:
        _must_be_known(values, place, known)
    for name, value in values.items():
        if name not in known:
            continue
        if not known[name].holds(value):
            raise SearchError(
                f"`{name}` must be {range_in_words(known[name])} in this study, but configuration "
                f"{place} has {told(value)}. Widen `[space]`, or change the value."
            )
        inactive = _inactive(known[name], values, known)
        if inactive:
            raise SearchError(
                f"`{name}` exists only where {inactive}, but configuration {place} has it "
                "beside another value. Leave it out."
            )
        unsaid = _unsaid(known[name], values, known)
        if unsaid:
            raise SearchError(
                f"`{name}` exists only where {unsaid.name} is "
                f"{_wanted(unsaid, known[unsaid.name])}, but configuration {place} does not "
                f"say which. Give it `{unsaid.name}` too."
            )


def _as_chosen(values: Mapping[str, Scalar], known: Mapping[str, Parameter]) -> dict[str, Scalar]:
    """Replace numbers by their texts where the parameter is a choice of texts: 256 by "256"."""
    chosen = dict(values)
    for name, value in values.items():
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if number and name in known and choice_text(value) in known[name].listed():
            chosen[name] = choice_text(value)
    return chosen


def range_in_words(parameter: Parameter) -> str:
    """Say in words which values a parameter may have: "from 8 to 64 in steps of 8".

    Args:
        parameter: The parameter; of a fixed one its value is said.
    """
    if parameter.kind in ("Int", "Float"):
        every = parameter.step is None or (parameter.kind == "Int" and parameter.step == 1)
        step = "" if every or parameter.log else f" in steps of {parameter.step:g}"
        step = (
            f", each {parameter.step:g} times the one before"
            if parameter.log and not every
            else step
        )
        return f"from {parameter.low:g} to {parameter.high:g}{step}"
    return "one of " + ", ".join(str(value) for value in parameter.listed())


def _inactive(
    parameter: Parameter, values: Mapping[str, Scalar], known: Mapping[str, Parameter]
) -> str:
    """Say in words the first of a parameter's conditions that is broken; an empty text if none."""
    for condition in parameter.conditions:
        if condition.name in values and values[condition.name] not in condition.values:
            return f"{condition.name} is {_wanted(condition, known[condition.name])}"
    return ""


def _unsaid(
    parameter: Parameter, values: Mapping[str, Scalar], known: Mapping[str, Parameter]
) -> Condition | None:
    """Find a condition that cannot be checked, as the values lack the parameter it names, or None.

    Conditions that hold with every value of their parent do not count.
    """
    for condition in parameter.conditions:
        if condition.name not in values and can_fail(condition, known[condition.name]):
            return condition
    return None


def _wanted(condition: Condition, parent: Parameter) -> str:
    """Say in words which of the parent's values fulfil a condition: "mlp or neumf"."""
    return " or ".join(str(value) for value in condition.values if parent.holds(value))
