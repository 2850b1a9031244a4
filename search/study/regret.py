"""How much a longer search could still gain, as a bound that holds most likely.

Makarova et al., "Automatic Termination for Hyperparameter Optimization" (AutoML 2022), as Optuna
has it: a Gaussian process over the parameters that all trials share bounds the best value there is
from below and the best value found from above; the regret is at most their distance.
"""

from __future__ import annotations

import importlib.util
import warnings
from collections.abc import Collection

import optuna
from optuna.trial import TrialState

from search.errors import SearchError

_FEWEST = 20


def check_regret() -> None:
    """Refuse to bound a regret without the library that does.

    Raises:
        SearchError: It is not installed.
    """
    if importlib.util.find_spec("torch") is None:
        raise SearchError(
            "`regret` needs the library torch, but it is not installed. Install Trialbook with its "
            'extra `gp` (`pip install "trialbook[gp]"`), or stop with `--trials`, `--timeout` or '
            "`--target-rmse`."
        )


class RegretBound:
    """The bound of one study, computed anew when a trial was completed."""

    def __init__(self, study: optuna.Study, seed: int, names: Collection[str]) -> None:
        """Compute nothing yet.

        Args:
            study: With one objective.
            seed: Of the points that the bound looks at.
            names: Optuna's parameters that every trial of the space has; what lacks one, as the
                baseline may, is left out.
        """
        self._study = study
        self._seed = seed
        self._names = set(names)
        self._complete = 0
        self._bound: float | None = None

    def value(self) -> float | None:
        """The bound in the objective's unit; None before 20 complete trials."""
        done = self._study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
        shared = [trial for trial in done if trial.params and self._names <= set(trial.params)]
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
