"""A pruner that ends a trial worse than the others' median, unless it improves fast."""

from __future__ import annotations

import optuna
from optuna.trial import FrozenTrial, TrialState

from search.storage.views import view_of, with_value_at


class Median(optuna.pruners.MedianPruner):
    """Ends a trial that would stay worse than the median after two more gains like its last gain.

    At the same epoch a configuration that learns fast and soon overfits is ahead of one that learns
    for longer and ends lower. Most of the trials that completed early learnt fast. A trial that
    runs for longer is compared with their last reports too, which are their best values; Optuna's
    own pruner uses only trials that got as far. Gains that shrink by a third an epoch add up to two
    more like the last: a trial that went from 0.90 to 0.88 is judged as if it were at
    0.88 - 2 x 0.02 = 0.84.
    """

    def prune(self, study: optuna.Study, trial: FrozenTrial) -> bool:
        """Whether the trial is worse than the median both now and after two more gains."""
        values = trial.intermediate_values
        if not values:
            return False
        last = max(values)
        seen = view_of(
            study, lambda: [_gone_on(each, last) for each in study.get_trials(deepcopy=False)]
        )
        if not super().prune(seen, trial):
            return False
        if last - 1 not in values:
            return True
        return super().prune(
            seen, with_value_at(trial, last, 3 * values[last] - 2 * values[last - 1])
        )


def _gone_on(trial: FrozenTrial, step: int) -> FrozenTrial:
    """Copy a trial that completed before `step`, with its last value reported at `step` too."""
    values = trial.intermediate_values
    if trial.state != TrialState.COMPLETE or not values or max(values) >= step:
        return trial
    return with_value_at(trial, step, values[max(values)])
