"""Pruners by name. What they compare is each trial's best so far at the same epoch.

An epoch passes over the same rows whatever the batch size, all of them or as many as a study's
growing samples give it, so equal epochs are equal numbers of rows seen. Full-batch trials are
compared with one another, mini-batch trials too, each after a warm-up that outlasts the transient
of an output bias of 7: about 15 steps, which are 15 epochs of the one and at most 4 of the other.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import optuna
from optuna.trial import FrozenTrial

from models.config import FULL_BATCH
from search.config import StudyConfig
from search.errors import SearchError
from search.ledger import PLAN
from search.options import Options
from search.parts import parts_of

WARM_UP_EPOCHS = 15
WARM_UP_SMALL_BATCHES = 4
"""Of trials with mini-batches, which take four steps an epoch or more."""


def make_pruner(
    name: str, *, epochs: int, options: Options | None = None
) -> optuna.pruners.BasePruner:
    """The named pruner.

    Args:
        name: One of `search.options.PRUNERS`: "none"; "median", after 4 trials and the warm-up;
            "asha", asynchronous successive halving (Li et al., "A System for Massively Parallel
            Hyperparameter Tuning", MLSys 2020); "hyperband" (Li et al., JMLR 18, 2018); "patient",
            which ends what has not improved for 10 epochs; "threshold"; "wilcoxon".
        epochs: Most epochs of a trial.
        options: Optuna's options of it, checked already; ours stand where one is missing.

    Raises:
        SearchError: The options do not go together.
    """
    given: dict[str, Any] = dict(options or {})
    if name == "none":
        return optuna.pruners.NopPruner()
    if name in _BY_SHAPE:
        make = _BY_SHAPE[name]
        return _ByShape(make(WARM_UP_EPOCHS, given), make(WARM_UP_SMALL_BATCHES, given))
    if name == "hyperband":
        return _hyperband(epochs, given)
    if name == "patient":
        return _Patient(**given)
    with warnings.catch_warnings():
        # It is called experimental; the pinned version is what is used.
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        return optuna.pruners.WilcoxonPruner(**given)


class _ByShape(optuna.pruners.BasePruner):
    """Asks one pruner about full-batch trials and another one about those with mini-batches."""

    def __init__(self, full: optuna.pruners.BasePruner, small: optuna.pruners.BasePruner) -> None:
        self._full = full
        self._small = small

    def prune(self, study: optuna.Study, trial: FrozenTrial) -> bool:
        """What the one that is asked says."""
        values = (trial.user_attrs.get(PLAN) or {}).get("values", {})
        return (self._small if has_small_batches(values) else self._full).prune(study, trial)


class _Patient(optuna.pruners.BasePruner):
    """Ends what has not improved by more than `min_delta` in the last `patience` epochs.

    Optuna's own compares the best values before and after, which never fires on a best so far.
    """

    def __init__(self, patience: int = 10, min_delta: float = 0.0) -> None:
        self._patience = patience
        self._min_delta = min_delta

    def prune(self, study: optuna.Study, trial: optuna.trial.FrozenTrial) -> bool:
        """Whether the best so far is no better than `patience` epochs ago."""
        last = trial.last_step
        if last is None:
            return False
        values = trial.intermediate_values
        before = [value for epoch, value in values.items() if epoch <= last - self._patience]
        if not before:
            return False
        maximize = study.direction == optuna.study.StudyDirection.MAXIMIZE
        sign = -1.0 if maximize else 1.0
        now = min(sign * value for value in values.values())
        return min(sign * value for value in before) - now <= self._min_delta


def first_judged(name: str, options: Options, *, small: bool = False) -> int:
    """The first epoch at which the named pruner may end a trial.

    Args:
        name: Of the pruner.
        options: Of the pruner.
        small: Whether the trial has mini-batches.
    """
    named = {"asha": "min_resource", "hyperband": "min_resource", "wilcoxon": "n_startup_steps"}
    usual = 1 if name == "patient" else WARM_UP_EPOCHS
    if small and name in _BY_SHAPE:
        usual = WARM_UP_SMALL_BATCHES
    return max(1, int(options.get(named.get(name, "n_warmup_steps"), usual)))


def judges_parts(config: StudyConfig) -> bool:
    """Whether a study's pruner compares folds or repeats, and not epochs."""
    return config.pruner == "wilcoxon" and parts_of(config) > 1


def has_small_batches(values: Mapping[str, Any]) -> bool:
    """Whether a trial with these real values takes several steps an epoch."""
    return bool(values.get("batch_size", FULL_BATCH) != FULL_BATCH)


def same_shape(params: Mapping[str, Any], other: FrozenTrial) -> bool:
    """Whether another trial falls as these parameters do: both by one step an epoch, or neither.

    Mini-batch training takes hundreds of steps an epoch and is far ahead at first, so that it
    would end every full-batch trial before that has begun to learn.
    """
    theirs = (other.user_attrs.get(PLAN) or {}).get("values", {})
    return has_small_batches(params) == has_small_batches(theirs)


def _hyperband(epochs: int, given: dict[str, Any]) -> optuna.pruners.BasePruner:
    usual = {"min_resource": WARM_UP_EPOCHS, "reduction_factor": 3, "max_resource": epochs}
    together = usual | given
    if together["max_resource"] < together["min_resource"]:
        raise SearchError(
            "The pruner `hyperband` needs at least as many epochs as its `min_resource`, but got "
            f"{together['max_resource']} and {together['min_resource']}. Use "
            "`--pruner-option min_resource=1`, or more `--epochs`."
        )
    return optuna.pruners.HyperbandPruner(**together)


def _median(warm_up: int, given: dict[str, Any]) -> optuna.pruners.BasePruner:
    usual = {"n_startup_trials": 4, "n_warmup_steps": warm_up}
    return optuna.pruners.MedianPruner(**(usual | given))


def _asha(warm_up: int, given: dict[str, Any]) -> optuna.pruners.BasePruner:
    usual = {"min_resource": warm_up, "reduction_factor": 3}
    return optuna.pruners.SuccessiveHalvingPruner(**(usual | given))


def _threshold(warm_up: int, given: dict[str, Any]) -> optuna.pruners.BasePruner:
    if not {"lower", "upper"} & set(given):
        raise SearchError(
            "The pruner `threshold` needs `lower` or `upper`, but got neither. Use "
            "`--pruner-option upper=1.0`, say."
        )
    return optuna.pruners.ThresholdPruner(**({"n_warmup_steps": warm_up} | given))


_BY_SHAPE = {"median": _median, "asha": _asha, "threshold": _threshold}
