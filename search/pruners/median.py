"""A pruner that ends a trial worse than the others' median, unless it improves fast."""

from __future__ import annotations

from typing import Any, NamedTuple

import optuna
from optuna.trial import FrozenTrial, TrialState

from search.pruners.reasons import median_at
from search.pruners.warm_up import WARM_UP_SMALL_BATCHES
from search.storage.views import view_of, with_value_at


class Usual(NamedTuple):
    """How the pruner decides where a user says nothing.

    Attributes:
        startup: Trials that must be complete before one is ended.
        gains: How many more gains like its last one a trial is granted.
        warm_up: Epochs before which no trial with mini-batches is ended, at least.
    """

    startup: int
    gains: int
    warm_up: int = WARM_UP_SMALL_BATCHES


RATINGS = Usual(startup=2, gains=12, warm_up=2)
"""For our own models: chosen on the tuning half of a family of data sets
(`benchmarks/pruning.py`)."""
OTHERS = Usual(startup=4, gains=12)
"""For a user's own models, whose curves nobody has seen."""
FORMER = Usual(startup=4, gains=2)
"""In studies of earlier versions."""


class Median(optuna.pruners.MedianPruner):
    """Ends a trial that would stay worse than the median after some more gains like its last gain.

    At the same epoch a configuration that learns fast and soon overfits is ahead of one that learns
    for longer and ends lower. Most of the trials that completed early learnt fast. A trial that
    runs for longer is compared with their last reports too, which are their best values; Optuna's
    own pruner uses only trials that got as far. Gains that shrink by a thirteenth an epoch add up
    to twelve more like the last: a trial that went from 0.90 to 0.89 is judged as if it were at
    0.89 - 12 x 0.01 = 0.77.
    """

    def __init__(self, gains: int, **options: Any) -> None:
        """Make the pruner.

        Args:
            gains: How many more gains like its last one a trial is granted.
            options: Those of Optuna's own.
        """
        super().__init__(**options)
        self._gains = gains

    def prune(self, study: optuna.Study, trial: FrozenTrial) -> bool:
        """Whether the trial is worse than the median both now and after the gains."""
        values = trial.intermediate_values
        if not values:
            return False
        last = max(values)
        seen = view_of(study, lambda: _at(study, last))
        if not super().prune(seen, trial):
            return False
        if last - 1 not in values:
            return True
        gained = self._gains * (values[last] - values[last - 1])
        return super().prune(seen, with_value_at(trial, last, values[last] + gained))

    def why(self, study: optuna.Study, trial: FrozenTrial) -> str:
        """As "worse than the median 0.8931", that of the trials that it was compared with."""
        last = max(trial.intermediate_values, default=0)
        median = median_at(_at(study, last), last)
        return "" if median is None else f"worse than the median {median:.4f}"


def _at(study: optuna.Study, step: int) -> list[FrozenTrial]:
    """The trials with which one at `step` is compared."""
    return [_gone_on(each, step) for each in study.get_trials(deepcopy=False)]


def _gone_on(trial: FrozenTrial, step: int) -> FrozenTrial:
    """Copy a trial that completed before `step`, with its last value reported at `step` too."""
    values = trial.intermediate_values
    if trial.state != TrialState.COMPLETE or not values or max(values) >= step:
        return trial
    return with_value_at(trial, step, values[max(values)])
