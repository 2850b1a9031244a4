"""What a trial may not exceed, and whether it does."""

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
    """What a trial may not exceed; None for no limit.

    Attributes:
        parameters: Weights of the model.
        seconds: Of training.
        memory_mb: Of its process, at its peak.
    """

    parameters: int | None = None
    seconds: float | None = None
    memory_mb: float | None = None


def limits_of(config: Settings) -> Limits:
    """The limits that a study sets."""
    return Limits(
        parameters=config.max_parameters,
        seconds=config.max_seconds,
        memory_mb=config.max_memory_mb,
    )


def too_large(model: Any, limits: Limits) -> str:
    """Why a model that was built must not be trained, in words; empty where it may be."""
    if not hasattr(model, "count_params"):
        return ""
    parameters = int(model.count_params())
    if limits.parameters is not None and parameters > limits.parameters:
        return f"{parameters:,} parameters, where at most {limits.parameters:,} may be"
    needed = parameters * _BYTES_A_WEIGHT / 1e6
    if limits.memory_mb is not None and needed > limits.memory_mb:
        return f"at least {needed:,.0f} MB for its weights, where {limits.memory_mb:,g} MB may be"
    return ""


def too_long(seconds: float, memory_mb: float, limits: Limits) -> str:
    """Why a trial under way must end, in words; empty where it may go on.

    Args:
        seconds: Of training so far.
        memory_mb: The peak so far.
        limits: What holds.
    """
    if limits.seconds is not None and seconds > limits.seconds:
        return f"{seconds:,.1f} s of training, where at most {limits.seconds:,g} may be"
    if limits.memory_mb is not None and memory_mb > limits.memory_mb:
        return f"{memory_mb:,.0f} MB of memory, where at most {limits.memory_mb:,g} may be"
    return ""


def exceeds(metrics: Mapping[str, float], limits: Limits) -> bool:
    """Whether the figures of a trial that came to its end are beyond a limit."""
    pairs = (
        ("parameters", limits.parameters),
        ("seconds_train", limits.seconds),
        ("peak_memory_mb", limits.memory_mb),
    )
    return any(
        most is not None and name in metrics and metrics[name] > most for name, most in pairs
    )
