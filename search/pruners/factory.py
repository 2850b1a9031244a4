"""Pruners by name. What they compare is each trial's best so far at the same epoch.

An epoch passes over the same rows whatever the batch size, all of them or as many as a study's
growing samples give it, so equal epochs are equal numbers of rows seen. Full-batch trials are
compared with one another, mini-batch trials too, each after a warm-up that outlasts the transient
of an output bias of 7: about 15 steps, which are 15 epochs of the one and at most 4 of the other.
Where samples grow it lasts to the end of the stage that it falls into, which so becomes a rung.
"""

from __future__ import annotations

import copy
import math
import warnings
import zlib
from bisect import bisect
from collections.abc import Callable, Mapping, Sequence
from itertools import accumulate
from typing import Any, cast

import optuna
from optuna.trial import FrozenTrial, TrialState

from models.config import FULL_BATCH
from search.config.options import Options
from search.config.parts import parts_of
from search.config.study import StudyConfig
from search.errors import SearchError
from search.storage.slots import SLOT
from search.storage.trials import PLAN

Growth = Sequence[Sequence[float]]

WARM_UP_EPOCHS = 15
WARM_UP_SMALL_BATCHES = 4
"""Of trials with mini-batches, which take four steps an epoch or more."""


def make_pruner(
    name: str,
    *,
    epochs: int,
    options: Options | None = None,
    growth: Growth = (),
    parts: int = 1,
) -> optuna.pruners.BasePruner:
    """The named pruner.

    Args:
        name: One of `search.config.options.PRUNERS`: "none"; "median", after 4 trials and the
            warm-up; "asha", asynchronous successive halving (Li et al., "A System for Massively
            Parallel Hyperparameter Tuning", MLSys 2020); "hyperband" (Li et al., JMLR 18, 2018);
            "patient", which ends what has not improved for 10 epochs; "threshold"; "wilcoxon".
        epochs: Most epochs of a trial.
        options: Optuna's options of it, checked already; ours stand where one is missing.
        growth: Stages of growing samples: a share of the rows and how many epochs.
        parts: Trainings that a trial is made of.

    Raises:
        SearchError: The options do not go together, or could never end a trial.
    """
    given: dict[str, Any] = dict(options or {})
    if name == "none":
        return optuna.pruners.NopPruner()
    if name in _BY_SHAPE:
        make = _BY_SHAPE[name]
        if name == "hyperband":
            given = {"max_resource": epochs} | given
        full, small = (make(warm_up(growth, small=each), given) for each in (False, True))
        return _ByShape(full, small)
    _check_p(parts, float(given.get("p_threshold", 0.1)))
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


class _Median(optuna.pruners.MedianPruner):
    """Spares a trial that would not be worse than the median after two more gains like its last.

    At the same epoch a configuration that learns fast and soon overfits is ahead of one that learns
    for longer and ends lower; the others that came to their end are mostly of the first kind. What
    they had then is what a trial is compared with that goes on for longer, as it is their best so
    far; Optuna's own asks only those that got as far. Gains that shrink by a third an epoch add up
    to two more like the last.
    """

    def prune(self, study: optuna.Study, trial: FrozenTrial) -> bool:
        """Whether the trial is worse as it is, and as it would be after those gains."""
        values = trial.intermediate_values
        if not values:
            return False
        last = max(values)
        seen = _seen(study, lambda trials: [_gone_on(each, last) for each in trials])
        if not super().prune(seen, trial):
            return False
        if last - 1 not in values:
            return True
        return super().prune(seen, _with(trial, last, 3 * values[last] - 2 * values[last - 1]))


class _Seen:
    """A study whose trials are shown as a pruner needs them."""

    def __init__(
        self, study: optuna.Study, shown: Callable[[list[FrozenTrial]], list[FrozenTrial]]
    ) -> None:
        self._study = study
        self._shown = shown

    def __getattr__(self, name: str) -> Any:
        return getattr(self._study, name)

    def get_trials(self, *given: Any, **named: Any) -> list[FrozenTrial]:
        """As `Study.get_trials`."""
        return self._shown(self._study.get_trials(*given, **named))


def _seen(
    study: optuna.Study, shown: Callable[[list[FrozenTrial]], list[FrozenTrial]]
) -> optuna.Study:
    return cast("optuna.Study", _Seen(study, shown))


def _gone_on(trial: FrozenTrial, step: int) -> FrozenTrial:
    """A trial that came to its end before a step with what it would have there."""
    values = trial.intermediate_values
    if trial.state != TrialState.COMPLETE or not values or max(values) >= step:
        return trial
    return _with(trial, step, values[max(values)])


def _with(trial: FrozenTrial, step: int, value: float) -> FrozenTrial:
    """A copy of a trial that reported a value at a step."""
    told = copy.copy(trial)
    told.intermediate_values = {**trial.intermediate_values, step: value}
    return told


class _Hyperband(optuna.pruners.BasePruner):
    """Successive halving that begins, for a part of the trials each, at one rung after another.

    Brackets and their shares are those of Optuna's own, which cannot serve here: it reads the
    trials of a bracket from the storage, whatever the study that it is given shows, so that it
    would compare full-batch with mini-batch trials; and it makes samplers see one bracket alone,
    where nobody can count slots. A trial's bracket goes by its slot, which an interruption keeps.
    """

    def __init__(self, min_resource: int, max_resource: int, reduction_factor: int) -> None:
        count = 1
        while min_resource * reduction_factor**count <= max_resource:
            count += 1
        self._halvings = [
            optuna.pruners.SuccessiveHalvingPruner(min_resource, reduction_factor, bracket)
            for bracket in range(count)
        ]
        shares = [math.ceil(count * reduction_factor**left / (left + 1)) for left in range(count)]
        self._ends = list(accumulate(reversed(shares)))

    def prune(self, study: optuna.Study, trial: FrozenTrial) -> bool:
        """Whether the trial is not among the best of its bracket at a rung."""
        name = study.study_name
        bracket = self._bracket(name, trial)
        inside = _seen(study, lambda all_: [t for t in all_ if self._bracket(name, t) == bracket])
        return self._halvings[bracket].prune(inside, trial)

    def _bracket(self, name: str, trial: FrozenTrial) -> int:
        slot = trial.user_attrs.get(SLOT, trial.number)
        return bisect(self._ends, zlib.crc32(f"{name}_{slot}".encode()) % self._ends[-1])


class _Patient(optuna.pruners.BasePruner):
    """Ends what has not improved by more than `min_delta` in the last `patience` epochs.

    Optuna's own compares the best values before and after, which never fires on a best so far.
    """

    def __init__(self, n_warmup_steps: int, patience: int = 10, min_delta: float = 0.0) -> None:
        self._n_warmup_steps = n_warmup_steps
        self._patience = patience
        self._min_delta = min_delta

    def prune(self, study: optuna.Study, trial: optuna.trial.FrozenTrial) -> bool:
        """Whether the best so far is no better than `patience` epochs ago."""
        last = trial.last_step
        if last is None or last < self._n_warmup_steps:
            return False
        values = trial.intermediate_values
        before = [value for epoch, value in values.items() if epoch <= last - self._patience]
        if not before:
            return False
        maximize = study.direction == optuna.study.StudyDirection.MAXIMIZE
        sign = -1.0 if maximize else 1.0
        now = min(sign * value for value in values.values())
        return min(sign * value for value in before) - now <= self._min_delta


def warm_up(growth: Growth, *, small: bool = False) -> int:
    """Epochs before any trial is ended.

    Args:
        growth: Stages of growing samples: a share of the rows and how many epochs.
        small: Whether the trial has mini-batches.
    """
    usual = WARM_UP_SMALL_BATCHES if small else WARM_UP_EPOCHS
    ends = accumulate(int(lasting) for _, lasting in growth)
    return next((end for end in ends if end >= usual), usual)


def first_judged(name: str, options: Options, *, small: bool = False, growth: Growth = ()) -> int:
    """The first epoch at which the named pruner may end a trial.

    Args:
        name: Of the pruner.
        options: Of the pruner.
        small: Whether the trial has mini-batches.
        growth: Stages of growing samples: a share of the rows and how many epochs.
    """
    named = {"asha": "min_resource", "hyperband": "min_resource", "wilcoxon": "n_startup_steps"}
    usual = warm_up(growth, small=small and name in _BY_SHAPE)
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


def _check_p(parts: int, threshold: float) -> None:
    """Refuse signed ranks of so few parts that even the clearest of them end no trial."""
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
    return _Hyperband(**together)


def _median(first: int, given: dict[str, Any]) -> optuna.pruners.BasePruner:
    usual = {"n_startup_trials": 4, "n_warmup_steps": first}
    return _Median(**(usual | given))


def _asha(first: int, given: dict[str, Any]) -> optuna.pruners.BasePruner:
    usual = {"min_resource": first, "reduction_factor": 3}
    return optuna.pruners.SuccessiveHalvingPruner(**(usual | given))


def _patient(first: int, given: dict[str, Any]) -> optuna.pruners.BasePruner:
    return _Patient(**({"n_warmup_steps": first} | given))


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
    return optuna.pruners.ThresholdPruner(**({"n_warmup_steps": first} | given))


_BY_SHAPE = {
    "median": _median,
    "asha": _asha,
    "hyperband": _hyperband,
    "patient": _patient,
    "threshold": _threshold,
}
