"""Checks that raise an error when a value breaks a rule.

The message reads "`name` must RULE, but got VALUE."; a second sentence may tell the way out. Every
check takes the class of the error as `error`, so that another package can raise an exception of its
own with the same words.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from numbers import Real
from typing import Any, NoReturn

from models.errors import ModelsError

MOST_WIDTH = 65_536
MOST_SEED = 2**32 - 1

Refusal = type[Exception]


def told(value: Any) -> str:
    """Write a value for an error message: Booleans in lower case, all else as `repr` does.

    For example, `told(True)` is "true" and `told("adam")` is "'adam'".
    """
    return str(value).lower() if isinstance(value, bool) else repr(value)


def count_of(number: int, what: str) -> str:
    """A number and what it counts, whose plural ends in "s".

    Example:
        >>> count_of(1, "epoch"), count_of(1200, "epoch")
        ('1 epoch', '1,200 epochs')
    """
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def is_finite(value: Any) -> bool:
    """Whether a value is a finite number; a Boolean does not count as a number."""
    if not isinstance(value, Real) or isinstance(value, bool):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:  # a whole number beyond all that a float holds
        return False


def is_whole(value: Any, least: float = -math.inf, most: float = math.inf) -> bool:
    """Whether a value is a whole number from `least` to `most`; a Boolean does not count as one."""
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most


def refuse(
    name: str, rule: str, value: Any, *, way_out: str = "", error: Refusal = ModelsError
) -> NoReturn:
    """Raise the error for a value that breaks a rule: "`name` must RULE, but got VALUE."

    Args:
        name: What a user calls the value.
        rule: What must hold, in words that follow "must": "be at least 1".
        value: What was received.
        way_out: A whole sentence on what to do instead, where there is something.
        error: What is raised.

    Raises:
        Exception: `error`, with the text "`name` must RULE, but got VALUE. WAY_OUT".
    """
    raise error(f"`{name}` must {rule}, but got {told(value)}. {way_out}".rstrip())


def require(holds: bool, name: str, rule: str, value: Any, *, error: Refusal = ModelsError) -> None:
    """Raise the error for a value that breaks a rule, unless `holds` is true."""
    if not holds:
        refuse(name, rule, value, error=error)


def check_range(
    name: str,
    value: Any,
    least: int,
    most: float = math.inf,
    *,
    way_out: str = "",
    error: Refusal = ModelsError,
) -> None:
    """Refuse an integer below `least` or above `most`."""
    if not isinstance(value, int) or not least <= value <= most:
        rule = f"be at least {least}" if most == math.inf else f"be from {least} to {most}"
        refuse(name, rule, value, way_out=way_out, error=error)


def check_whole(
    name: str,
    value: Any,
    least: int,
    most: float = math.inf,
    *,
    error: Refusal = ModelsError,
) -> None:
    """Refuse a value that is no whole number from `least` to `most`."""
    limits = f"of at least {least}" if most == math.inf else f"from {least} to {most}"
    require(is_whole(value, least, most), name, f"be a whole number {limits}", value, error=error)


def check_width(name: str, value: Any, *, error: Refusal = ModelsError) -> None:
    """Refuse a value that cannot be a vector's length or a layer's width: from 1 to 65,536."""
    check_whole(name, value, 1, MOST_WIDTH, error=error)


def check_not_negative(name: str, value: Any, *, error: Refusal = ModelsError) -> None:
    """Refuse a value that is no finite number of at least 0."""
    holds = is_finite(value) and value >= 0
    require(holds, name, "be a finite number of at least 0", value, error=error)


def check_positive(name: str, value: Any, *, error: Refusal = ModelsError) -> None:
    """Refuse a value that is no finite number above 0."""
    holds = is_finite(value) and value > 0
    require(holds, name, "be a finite number above 0", value, error=error)


def check_rate(name: str, value: Any, *, error: Refusal = ModelsError) -> None:
    """Refuse a value that is no dropout rate: a number from 0 to below 1."""
    holds = is_finite(value) and 0 <= value < 1
    require(holds, name, "be a rate of at least 0 and below 1", value, error=error)


def check_share(name: str, value: Any, *, error: Refusal = ModelsError) -> None:
    """Refuse a value that is no share of a whole: a number above 0 and at most 1."""
    holds = is_finite(value) and 0 < value <= 1
    require(holds, name, "be a share above 0 and at most 1", value, error=error)


def check_one_of(
    name: str, value: Any, known: Collection[Any], *, error: Refusal = ModelsError
) -> None:
    """Refuse a value that is not in `known`; the message lists the known values."""
    require(value in known, name, f"be one of {', '.join(known)}", value, error=error)


def check_growth(stages: Any, epochs: int, *, error: Refusal = ModelsError) -> None:
    """Refuse `growth` stages if the samples do not grow or no epoch is left for all rows.

    Args:
        stages: Pairs (fraction of the train rows, number of epochs on that sample alone).
        epochs: All epochs of a training, those of the stages included.
        error: What is raised.

    Raises:
        Exception: `error`, where a stage is no such pair, the shares do not rise, or no epoch is
            left.
    """
    before, used = 0.0, 0
    for stage in stages:
        is_pair = isinstance(stage, list | tuple) and len(stage) == 2 and is_finite(stage[0])
        if not (is_pair and before < stage[0] < 1 and is_whole(stage[1], 1)):
            raise error(
                "`growth` must be stages of a share of the rows, rising and below 1, and epochs, "
                f"say [[0.1, 15], [0.3, 15]], but got {told(stage)} after {before:g}."
            )
        before, used = stage[0], used + stage[1]
    if stages and used >= epochs:
        raise error(
            f"`growth` must leave epochs for all rows, but its stages take {used} of {epochs}. "
            "Use more `epochs`, or shorter stages."
        )
