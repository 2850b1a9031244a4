"""Makes pruners by name; most of them compare trials' best values so far at the same epoch."""

from __future__ import annotations

import math
import warnings
from typing import Any

import optuna
from optuna.trial import FrozenTrial

from search.config.options import PRUNERS, Options
from search.errors import SearchError
from search.pruners.hyperband import Hyperband
from search.pruners.median import RATINGS, Median, Usual
from search.pruners.patient import Patient
from search.pruners.peers import has_small_batches
from search.pruners.reasons import Explains, Halving, Threshold
from search.pruners.warm_up import WARM_UP_SMALL_BATCHES, Growth, warm_up
from search.storage.trial_attributes import plan_of


def make_pruner(
    name: str,
    *,
    epochs: int,
    options: Options | None = None,
    growth: Growth = (),
    parts: int = 1,
    usual: Usual = RATINGS,
) -> optuna.pruners.BasePruner:
    """Make the named pruner.

    Args:
        name: One of `search.config.options.PRUNERS`: "none"; "median", after some trials and
            the warm-up; "asha", asynchronous successive halving (Li et al., "A System for Massively
            Parallel Hyperparameter Tuning", MLSys 2020); "hyperband" (Li et al., JMLR 18, 2018);
            "patient", which ends what has not improved for 10 epochs; "threshold"; "wilcoxon".
        epochs: Most epochs of a trial.
        options: The pruner's options, already checked; our defaults replace missing ones.
        growth: Stages of growing samples: a share of the rows and how many epochs.
        parts: Trainings of each trial, its folds or repeats.
        usual: How "median" decides where the options say nothing.

    Raises:
        SearchError: The options do not go together, or could never end a trial.
    """
    given: dict[str, Any] = dict(options or {})
    if name == "none":
        return optuna.pruners.NopPruner()
    if PRUNERS[name].by_shape:
        make, least = _BY_SHAPE[name], WARM_UP_SMALL_BATCHES
        if name == "hyperband":
            given = {"max_resource": epochs} | given
        if name == "median":
            given = {"n_startup_trials": usual.startup, "gains": usual.gains} | given
            least = usual.warm_up
        full = make(warm_up(growth), given)
        return _ByShape(full, make(warm_up(growth, small=True, epochs=least), given))
    assert name == "wilcoxon", f"no pruner is made under the name {name}"
    return _wilcoxon(parts, given)


class _ByShape(optuna.pruners.BasePruner):
    """Judges full-batch trials with one pruner and mini-batch trials with another."""

    def __init__(self, full: optuna.pruners.BasePruner, small: optuna.pruners.BasePruner) -> None:
        self._full = full
        self._small = small

    def prune(self, study: optuna.Study, trial: FrozenTrial) -> bool:
        """Ask the full-batch or the mini-batch pruner, depending on the trial's batch size."""
        return self._of(trial).prune(study, trial)

    def why(self, study: optuna.Study, trial: FrozenTrial) -> str:
        """Why the one that judged the trial ended it."""
        chosen = self._of(trial)
        return chosen.why(study, trial) if isinstance(chosen, Explains) else ""

    def _of(self, trial: FrozenTrial) -> optuna.pruners.BasePruner:
        return self._small if has_small_batches(plan_of(trial).values) else self._full


def _wilcoxon(parts: int, given: dict[str, Any]) -> optuna.pruners.BasePruner:
    _check_p(parts, float(given.get("p_threshold", 0.1)))
    with warnings.catch_warnings():
        # It is called experimental; the pinned version is what is used.
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        return optuna.pruners.WilcoxonPruner(**given)


def _check_p(parts: int, threshold: float) -> None:
    """Refuse the Wilcoxon test if a trial has too few folds or repeats to be ended early.

    Of 5 folds, 4 are compared before the last; if all 4 are worse, p = 0.5^4 = 0.0625.
    """
    least = 0.5 ** (parts - 1)  # all but the last are worse, and the last one ends it anyway
    if parts > 1 and (parts == 2 or least >= threshold):
        raise SearchError(
            f"The pruner `wilcoxon` must be able to end a trial before the last of its {parts} "
            f"parts, but p is {least:g} there at the least, and `p_threshold` {threshold:g}. Use "
            "5 or more folds or repeats, 3 or 4 with `--pruner-option p_threshold=0.3`, or another "
            "pruner."
        )


def _hyperband(first: int, given: dict[str, Any]) -> optuna.pruners.BasePruner:
    together = {"min_resource": first, "reduction_factor": 3} | given
    if together["max_resource"] < together["min_resource"]:
        raise SearchError(
            "The pruner `hyperband` needs at least as many epochs as its `min_resource`, but got "
            f"{together['max_resource']} and {together['min_resource']}. Use "
            "`--pruner-option min_resource=1`, or more `--epochs`."
        )
    return Hyperband(**together)


def _median(first: int, given: dict[str, Any]) -> optuna.pruners.BasePruner:
    return Median(**({"n_warmup_steps": first} | given))


def _asha(first: int, given: dict[str, Any]) -> optuna.pruners.BasePruner:
    usual = {"min_resource": first, "reduction_factor": 3}
    return Halving(**(usual | given))


def _patient(first: int, given: dict[str, Any]) -> optuna.pruners.BasePruner:
    return Patient(**({"n_warmup_steps": first} | given))


def _threshold(first: int, given: dict[str, Any]) -> optuna.pruners.BasePruner:
    if not {"lower", "upper"} & set(given):
        raise SearchError(
            "The pruner `threshold` needs `lower` or `upper`, but got neither. Use "
            "`--pruner-option upper=1.0`, say."
        )
    if given.get("lower", -math.inf) > given.get("upper", math.inf):
        raise SearchError(
            "The pruner `threshold` needs a `lower` that is no greater than its `upper`, but got "
            f"{given['lower']:g} and {given['upper']:g}. Swap them, or leave one out."
        )
    return Threshold(**({"n_warmup_steps": first} | given))


_BY_SHAPE = {
    "median": _median,
    "asha": _asha,
    "hyperband": _hyperband,
    "patient": _patient,
    "threshold": _threshold,
}
