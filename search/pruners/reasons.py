"""Says in a few words why a pruner ended a trial."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any, Protocol, runtime_checkable

import optuna
from optuna.trial import FrozenTrial


@runtime_checkable
class Explains(Protocol):
    """A pruner that can say why it ended a trial."""

    def why(self, study: optuna.Study, trial: FrozenTrial) -> str:
        """Why it ended the trial, in a few words."""
        ...


def reason_of(study: optuna.Study, trial: FrozenTrial) -> str:
    """Say why a study's pruner ended a trial.

    Args:
        study: The study, its trials those that the pruner compared the trial with.
        trial: The trial, with the values that it was judged by.

    Returns:
        A few words, as "worse than the median 0.8931"; empty where the pruner cannot say it.
    """
    pruner = study.pruner
    if isinstance(pruner, Explains):
        return pruner.why(study, trial)
    if isinstance(pruner, optuna.pruners.WilcoxonPruner):
        return "worse than the best trial by a signed-rank test"
    return ""


class Halving(optuna.pruners.SuccessiveHalvingPruner):
    """Optuna's successive halving, which says why it ended a trial."""

    def __init__(
        self, min_resource: int, reduction_factor: int, *bracket: int, **rest: Any
    ) -> None:
        """Make the pruner; the arguments are those of Optuna's."""
        super().__init__(min_resource, reduction_factor, *bracket, **rest)
        self._factor = reduction_factor

    def why(self, study: optuna.Study, trial: FrozenTrial) -> str:
        """As "not among the best third at epoch 12"."""
        share = _SHARES.get(self._factor, f"1 in {self._factor}")
        return f"not among the best {share} at epoch {_last(trial)}"


class Threshold(optuna.pruners.ThresholdPruner):
    """Optuna's pruner of values outside of a range, which says why it ended a trial."""

    def __init__(self, **options: Any) -> None:
        """Make the pruner; the options are those of Optuna's."""
        super().__init__(**options)
        self._ends = (options.get("lower"), options.get("upper"))

    def why(self, study: optuna.Study, trial: FrozenTrial) -> str:
        """As "above 1", the end of the range."""
        low, high = self._ends
        value = trial.intermediate_values.get(_last(trial), math.nan)
        if high is not None and value > high:
            return f"above {high:g}"
        return f"below {low:g}" if low is not None and value < low else "no number"


def median_at(trials: Iterable[FrozenTrial], step: int) -> float | None:
    """The median of the complete trials' values at a step; None where none has a value there.

    Args:
        trials: The trials.
        step: The epoch.
    """
    import numpy as np

    values = [
        trial.intermediate_values[step]
        for trial in trials
        if trial.state == optuna.trial.TrialState.COMPLETE and step in trial.intermediate_values
    ]
    known = [value for value in values if not math.isnan(value)]
    return float(np.median(known)) if known else None


def _last(trial: FrozenTrial) -> int:
    return max(trial.intermediate_values, default=0)


_SHARES = {2: "half", 3: "third", 4: "quarter"}
