"""Limits on a trial's weights, training time and memory, and the checks against them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from search.config.sections import Settings

# Of a weight, at least: itself, its gradient, one number of the optimizer and the copy of the best
# epoch, four bytes each.
_BYTES_A_WEIGHT = 16


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
    if not hasattr(model, "count_params"):
        return ""
    return too_heavy(int(model.count_params()), limits)


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
        return f"at least {needed:,.0f} MB for its weights, where {limits.memory_mb:,g} MB may be"
    return ""


def too_long(seconds: float, memory_mb: float, limits: Limits) -> str:
    """Say in words which limit a running trial exceeds and must end for; an empty text if none.

    Args:
        seconds: Seconds of training so far.
        memory_mb: Peak memory so far, in MB.
        limits: The study's limits.
    """
    if limits.seconds is not None and seconds > limits.seconds:
        return f"{seconds:,.1f} s of training, where at most {limits.seconds:,g} may be"
    if limits.memory_mb is not None and memory_mb > limits.memory_mb:
        return f"{memory_mb:,.0f} MB of memory, where at most {limits.memory_mb:,g} may be"
    return ""


def exceeds(metrics: Mapping[str, float], limits: Limits) -> bool:
    """Whether an ended trial's weights, training seconds or peak memory exceed a limit."""
    pairs = (
        ("parameters", limits.parameters),
        ("seconds_train", limits.seconds),
        ("peak_memory_mb", limits.memory_mb),
    )
    return any(
        most is not None and name in metrics and metrics[name] > most for name, most in pairs
    )
