"""A pruner that ends a trial whose best value has stopped improving."""

from __future__ import annotations

import optuna
from optuna.trial import FrozenTrial

from models.checks import count_of
from search.storage.direction import sign_of


class Patient(optuna.pruners.BasePruner):
    """Ends a trial that has not improved by more than `min_delta` in the last `patience` epochs.

    A trial reports its best value so far, and on such reports Optuna's own pruner ends no trial: it
    requires that the best value since then is worse than the best value before.
    """

    def __init__(self, n_warmup_steps: int, patience: int = 10, min_delta: float = 0.0) -> None:
        """Keep the options, which have Optuna's names.

        Args:
            n_warmup_steps: Epochs before any trial is ended.
            patience: Epochs without improvement after which a trial is ended.
            min_delta: The least improvement that counts, in the objective's unit.
        """
        self._n_warmup_steps = n_warmup_steps
        self._patience = patience
        self._min_delta = min_delta

    def prune(self, study: optuna.Study, trial: FrozenTrial) -> bool:
        """Whether the last `patience` epochs improved the best value by at most `min_delta`."""
        last = trial.last_step
        if last is None or last < self._n_warmup_steps:
            return False
        values = trial.intermediate_values
        before = [value for epoch, value in values.items() if epoch <= last - self._patience]
        if not before:
            return False
        sign = sign_of(study)
        now = min(sign * value for value in values.values())
        return min(sign * value for value in before) - now <= self._min_delta

    def why(self, study: optuna.Study, trial: FrozenTrial) -> str:
        """As "no better for 10 epochs"."""
        return f"no better for {count_of(self._patience, 'epoch')}"
