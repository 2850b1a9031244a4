"""How a run's figures differ from those that Optuna's storage holds of its trial."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from tracking import EpochRecord, RunRecord, TrialRecord, figure_name, final_figures

_LARGEST = 1.7e308
"""MLflow stores an infinite number as about this one."""


def is_same(one: float, other: float) -> bool:
    """Whether two figures are one, as MLflow stores it.

    Example:
        >>> is_same(0.1 + 0.2, 0.3), is_same(math.nan, math.nan), is_same(0.3, 0.4)
        (True, True, False)
    """
    if math.isclose(one, other, rel_tol=1e-9):
        return True
    if math.isnan(one) and math.isnan(other):
        return True
    return min(abs(one), abs(other)) > _LARGEST and (one > 0) == (other > 0)


def lacking_figures(trial: TrialRecord, run: RunRecord) -> list[str]:
    """The names of a trial's final figures that its run does not have, the objective left out."""
    return [name for name in _finals(trial) if name not in run.metrics]


def other_figure(trial: TrialRecord, run: RunRecord) -> str:
    """Name a final figure of which a run has another value; empty where there is none."""
    for name, value in _finals(trial).items():
        says = run.metrics.get(name, value)
        if not is_same(value, says):
            return f"Trial {trial.number} has {name} {value:.6g}, but its run says {says:.6g}."
    return ""


def _finals(trial: TrialRecord) -> Mapping[str, float]:
    found = final_figures(trial)
    found.pop(figure_name(trial.objective), None)
    return found


def lacking_epochs(
    epochs: Sequence[EpochRecord], written: Sequence[EpochRecord]
) -> list[EpochRecord]:
    """The epochs of a trial of which its run lacks a figure.

    Args:
        epochs: As Optuna's storage holds them.
        written: As the run holds them.
    """
    has = {each.epoch: each.metrics for each in written}
    return [
        each
        for each in epochs
        if any(figure_name(name) not in has.get(each.epoch, {}) for name in each.metrics)
    ]


def other_epoch(epochs: Sequence[EpochRecord], written: Sequence[EpochRecord]) -> str:
    """Tell of an epoch of which a run has another figure; empty where there is none.

    Args:
        epochs: As Optuna's storage holds them.
        written: As the run holds them.
    """
    has = {each.epoch: each.metrics for each in written}
    for each in epochs:
        for name, value in each.metrics.items():
            says = has.get(each.epoch, {}).get(figure_name(name), value)
            if not is_same(value, says):
                return f"{name} {value:.6g} in epoch {each.epoch}, but its run says {says:.6g}"
    return ""
