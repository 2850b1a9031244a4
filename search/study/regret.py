"""Estimates an upper bound of what a longer search could still gain (the regret).

Makarova et al., "Automatic Termination for Hyperparameter Optimization" (AutoML 2022), as Optuna
has it: a Gaussian process over the parameters that all trials share bounds the best value there is
from below and the best value found from above, both with a probability of 90 % under the model. The
regret is at most their distance: where the best value found is at most 0.83, and no configuration
has less than 0.80, a longer search gains 0.03 at most.
"""

from __future__ import annotations

import importlib.util
import warnings
from collections.abc import Collection

import optuna
from optuna.trial import TrialState

from search.errors import SearchError
from search.storage.trials import is_beyond

_FEWEST = 20


def check_regret() -> None:
    """Raise an error if the library torch is missing, which Optuna's regret bound needs.

    Raises:
        SearchError: The library is not installed.
    """
    if importlib.util.find_spec("torch") is None:
        raise SearchError(
            "`regret` needs the library torch, but it is not installed. Install Trialbook with its "
            'extra `gp` (`pip install "trialbook[gp]"`), or stop with `--trials`, `--timeout` or '
            "`--target-rmse`."
        )


class RegretBound:
    """The regret bound of one study, computed anew after each completed trial.

    One thread uses it at a time.
    """

    def __init__(self, study: optuna.Study, seed: int, names: Collection[str]) -> None:
        """Keep the arguments; the bound is computed by `value`.

        Args:
            study: A study with one objective.
            seed: Seed of the points that the bound looks at.
            names: Optuna's parameters that every trial of the space has; a trial that lacks one, as
                the baseline may, is left out.
        """
        self._study = study
        self._seed = seed
        self._names = set(names)
        self._complete = 0
        self._bound: float | None = None

    def value(self) -> float | None:
        """The bound in the objective's unit; None before 20 complete trials have all of `names`."""
        done = self._study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
        within = [trial for trial in done if not is_beyond(trial)]  # the others are never the best
        shared = [trial for trial in within if trial.params and self._names <= set(trial.params)]
        if len(shared) >= _FEWEST and len(shared) != self._complete:
            self._complete = len(shared)
            with warnings.catch_warnings():
                # It is called experimental; the pinned version is what is used.
                warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
                from optuna.terminator import RegretBoundEvaluator

                evaluator = RegretBoundEvaluator(seed=self._seed)
                bound = evaluator.evaluate(shared, self._study.direction)
            self._bound = float(bound)
        return self._bound
