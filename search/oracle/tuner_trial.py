"""What a Keras Tuner tuner says of one of its trials: the configuration, and how it ended."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from search.space.parameters import Parameter
from tracking import EndReason, EpochRecord, Scalar


@dataclass(frozen=True, kw_only=True, slots=True)
class TunerPoint:
    """A configuration that a tuner trains.

    Attributes:
        values: Values of its active parameters, by name.
        space: The parameters that the tuner has declared so far.
        name: Keras Tuner's identifier of the trial.
        tags: Further tags of the trial's run.
    """

    values: Mapping[str, Scalar]
    space: Sequence[Parameter]
    name: str
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class TunerEnd:
    """The outcome of a tuner's trial.

    Attributes:
        value: The objective; None where it failed.
        metrics: Final figures by name.
        epochs: Its curve, as far as it is known.
        message: For a failed one, why, in a line.
        reason: For a failed one, "nan" where its score is no finite number, else "error".
    """

    value: float | None
    metrics: Mapping[str, float]
    epochs: Sequence[EpochRecord] = ()
    message: str = ""
    reason: EndReason = EndReason.ERROR

    @classmethod
    def of(cls, trial: Any, curve: Sequence[EpochRecord]) -> TunerEnd:
        """Take the outcome from a Keras Tuner trial that ended.

        Args:
            trial: The trial.
            curve: Its epochs, as far as they are known.
        """
        no_number = trial.score is not None and not math.isfinite(trial.score)
        return cls(
            value=trial.score if trial.status == "COMPLETED" and not no_number else None,
            metrics={**figures_of_tuner(trial), **curve_figures(curve)},
            epochs=curve,
            message=f"The score is {trial.score}." if no_number else last_line(trial.message),
            reason=EndReason.NAN if no_number else EndReason.ERROR,
        )


def figures_of_tuner(trial: Any) -> dict[str, float]:
    """The best value of each metric of a Keras Tuner trial, and the epoch that was best."""
    best = {name: trial.metrics.get_best_value(name) for name in trial.metrics.metrics}
    figures = {name: float(value) for name, value in best.items() if value is not None}
    return figures | {"best_epoch": float((trial.best_step or 0) + 1)}


def last_line(message: str | None) -> str:
    """The last line of a message, which of a traceback says what was raised."""
    lines = (message or "").strip().splitlines()
    return lines[-1].strip() if lines else ""


def epoch_of_logs(epoch: int, seconds: float, logs: Mapping[str, Any]) -> EpochRecord:
    """Make the record of an epoch from what Keras hands to callbacks, of its numbers alone.

    Args:
        epoch: Its number, 1 for the first.
        seconds: How long it took.
        logs: Metrics by name.
    """
    metrics = {}
    for name, value in logs.items():
        try:
            number = float(value)
        except (TypeError, ValueError):
            continue
        metrics[name] = number
    return EpochRecord(epoch=epoch, seconds=seconds, metrics=metrics)


def curve_figures(curve: Sequence[EpochRecord]) -> dict[str, float]:
    """A trial's epochs and their seconds in all, as metrics; empty without a recorded epoch."""
    if not curve:
        return {}
    return {
        "epochs_run": float(len(curve)),
        "seconds_train": math.fsum(epoch.seconds for epoch in curve),
    }
