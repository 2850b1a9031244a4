"""Limits on a trial's weights, training time and memory, and the checks against them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import models
from search.config.sections import Settings

# Of a weight, at least: itself, its gradient, one number of the optimizer and the copy of the best
# epoch, four bytes each.
_BYTES_A_WEIGHT = 16
_MOST_DIGITS = 12
# The figures of a trial that its limits are about, in the order of `Limits`.
_LIMITED = ("parameters", "seconds_train", "peak_memory_mb")


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """The most weights, seconds and memory that a trial may take; None for no limit.

    Attributes:
        parameters: Most weights of the model.
        seconds: Most seconds of training.
        memory_mb: Most memory of the trial's process at its peak, in MB.
    """

    parameters: int | None = None
    seconds: float | None = None
    memory_mb: float | None = None


def limits_of(config: Settings) -> Limits:
    """Take a study's limits on weights, training time and memory from its settings."""
    return Limits(
        parameters=config.max_parameters,
        seconds=config.max_seconds,
        memory_mb=config.max_memory_mb,
    )


def too_large(model: Any, limits: Limits) -> str:
    """Say in words which limit a built, untrained model exceeds; an empty text if none."""
    parameters = models.count_parameters(model)
    if parameters is None:
        return ""
    return too_heavy(parameters, limits)


def too_heavy(parameters: int, limits: Limits) -> str:
    """Say in words which limit a model of so many weights exceeds; an empty text if none.

    Example:
        >>> too_heavy(1_200, Limits(parameters=1_000))
        '1,200 parameters, where at most 1,000 may be'
    """
    if limits.parameters is not None and parameters > limits.parameters:
        return f"{parameters:,} parameters, where at most {limits.parameters:,} may be"
    needed = parameters * _BYTES_A_WEIGHT / 1e6
    if limits.memory_mb is not None and needed > limits.memory_mb:
        beyond, most = _told(needed, limits.memory_mb)
        return f"at least {beyond} MB for its weights, where {most} MB may be"
    return ""


def too_long(seconds: float, memory_mb: float, limits: Limits) -> str:
    """Say in words which limit a running trial exceeds and must end for; an empty text if none.

    Args:
        seconds: Seconds of training so far.
        memory_mb: Peak memory so far, in MB.
        limits: The study's limits.

    Example:
        >>> too_long(0.0123, 0.0, Limits(seconds=0.01))
        '0.012 s of training, where at most 0.01 may be'
    """
    if limits.seconds is not None and seconds > limits.seconds:
        beyond, most = _told(seconds, limits.seconds, digits=1)
        return f"{beyond} s of training, where at most {most} may be"
    if limits.memory_mb is not None and memory_mb > limits.memory_mb:
        beyond, most = _told(memory_mb, limits.memory_mb)
        return f"{beyond} MB of memory, where at most {most} may be"
    return ""


def _told(figure: float, most: float, digits: int = 0) -> tuple[str, str]:
    """Write a figure and the limit that it exceeds, with as many digits as show that it does.

    Args:
        figure: The figure.
        most: The limit, below it.
        digits: Digits behind the point, at least.
    """
    while digits < _MOST_DIGITS and round(figure, digits) <= most:
        digits += 1
    return f"{figure:,.{digits}f}", f"{most:,.{_MOST_DIGITS}g}"


def held_against(metrics: Mapping[str, float]) -> dict[str, float]:
    """The figures of an ended trial that limits are about: weights, seconds, peak memory."""
    return {name: metrics[name] for name in _LIMITED if name in metrics}


def exceeds(metrics: Mapping[str, float], limits: Limits) -> bool:
    """Whether an ended trial's weights, training seconds or peak memory exceed a limit."""
    return excess(metrics, limits) > 0


def excess(metrics: Mapping[str, float], limits: Limits) -> float:
    """How far an ended trial is beyond its limits, as a share of the limit; 0 where it is not.

    Args:
        metrics: The trial's figures by name.
        limits: The study's limits; of several that it exceeds the shares are added.

    Example:
        >>> excess({"parameters": 1500, "seconds_train": 9}, Limits(parameters=1000, seconds=10))
        0.5
    """
    figures = held_against(metrics)
    over = [
        figures[name] / most - 1
        for name, most in zip(
            _LIMITED, (limits.parameters, limits.seconds, limits.memory_mb), strict=True
        )
        if most is not None and name in figures
    ]
    return float(sum(share for share in over if share > 0))
