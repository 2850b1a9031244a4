"""Which earlier trials fit a space, and what is wrong with the others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, TypeVar

from models.checks import told
from search.space.parameters import Parameter
from tracking import Scalar

_Trial = TypeVar("_Trial")


class Target(NamedTuple):
    """The space that earlier trials must fit.

    `late` are the parameters of it that a trial may have, but is not given where it lacks them.
    """

    space: Sequence[Parameter]
    late: Sequence[Parameter] = ()


def fitting(
    trials: Iterable[tuple[_Trial, Mapping[str, Scalar]]],
    target: Target,
    left: Counter[str],
) -> list[tuple[_Trial, dict[str, Scalar]]]:
    """List the trials that fit a space, with their values; count the others in `left` by reason."""
    taken = []
    for trial, params in trials:
        values, problem = _fitted(params, target)
        if problem:
            left[problem] += 1
        else:
            taken.append((trial, values))
    return taken


def _fitted(params: Mapping[str, Scalar], target: Target) -> tuple[dict[str, Scalar], str]:
    """Complete an earlier trial's values with a space's defaults, or name what does not fit."""
    values: dict[str, Scalar] = {}
    late = {parameter.name for parameter in target.late}
    for parameter in (*target.space, *target.late):
        if not parameter.is_active(values):
            continue
        if parameter.name in late and parameter.name not in params:
            continue
        value = params.get(parameter.name, parameter.default)
        if not parameter.holds(value):
            return {}, f"`{parameter.name}` = {told(value)}"
        values[parameter.name] = value
    unknown = sorted(set(params) - late - {parameter.name for parameter in target.space})
    return (values, f"`{unknown[0]}`, which is no parameter any more") if unknown else (values, "")
