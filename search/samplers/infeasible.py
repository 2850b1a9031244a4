"""Shows samplers the trials that exceed a limit as infeasible, so that they move away from them."""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence

import optuna
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from search.config.limits import Limits, excess, limits_of
from search.storage.study_attributes import config_of, is_ours
from search.storage.trial_attributes import outcome_of
from search.storage.trials import is_refused

_LEARNT_FROM = (TrialState.COMPLETE, TrialState.PRUNED)
_NAME = "limit"


def with_infeasible(study: optuna.Study, trials: Sequence[FrozenTrial]) -> list[FrozenTrial]:
    """Copy trials so that those beyond a limit are infeasible; the same ones where none is.

    A trial beyond a limit becomes a complete one with the worst value of the others, and with a
    constraint: how far beyond it is. Samplers that know constraints (`tpe`, `gp`, `nsga2`) go by
    that, `cmaes`, which does not, by the value. Without a complete trial there is no worst value,
    and the state stays as it is. All others have the constraint 0, since `gp` wants it of all.

    Args:
        study: The study, whose settings hold the limits.
        trials: Its trials, after those of an earlier study; none of them is changed.
    """
    refused = [trial.state in _LEARNT_FROM and is_refused(trial) for trial in trials]
    if not any(refused):
        return list(trials)
    limits = limits_of(config_of(study)) if is_ours(study) else Limits()
    within = [
        trial.values
        for trial, is_out in zip(trials, refused, strict=True)
        if trial.state == TrialState.COMPLETE and not is_out
    ]
    worst = [
        (min if direction == StudyDirection.MAXIMIZE else max)(values)
        for direction, values in zip(study.directions, zip(*within, strict=True), strict=False)
    ]
    shown = []
    for trial, is_out in zip(trials, refused, strict=True):
        if trial.state not in _LEARNT_FROM:
            shown.append(trial)
            continue
        far = (excess(outcome_of(trial).metrics, limits) or 1.0) if is_out else 0.0
        copied = copy.copy(trial)
        copied.system_attrs = {**trial.system_attrs, f"constraints:{_NAME}": far}
        if is_out and worst:
            copied.state, copied.values = TrialState.COMPLETE, worst
        shown.append(copied)
    return shown


def is_infeasible(trial: FrozenTrial) -> bool:
    """Whether a sampler is shown a trial as beyond a limit."""
    return any(value > 0 and math.isfinite(value) for value in trial.constraints.values())
