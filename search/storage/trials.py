"""One study in Optuna's storage: what is stored of a trial, and how it is queued again."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from itertools import takewhile
from typing import Any

import optuna
from optuna.trial import FrozenTrial, TrialState

from search.storage.owner import OWNER, lives, lives_here
from search.storage.slots import GIVEN, RECIPE, RETRY_OF, SLOT, slot_of
from tracking import BEYOND, COMPLETE, KILLED, PRUNED, QUEUED, RUNNING, EpochRecord, TrialRecord

CONFIG = "trialbook:config"
DATASET = "trialbook:dataset"
RUN = "trialbook:run"
PLAN = "trialbook:plan"
OUTCOME = "trialbook:outcome"
DECIDING = "trialbook:deciding"  # who chooses the winner now
TRAINER = "trialbook.trainer"
LIMIT = "limit"

_ORPHAN_S = 60
_PROPOSAL_S = 5
_STATES = {TrialState.COMPLETE: COMPLETE, TrialState.PRUNED: PRUNED, TrialState.WAITING: QUEUED}


def finished(study: optuna.Study) -> int:
    """Trials that count towards the target: complete, pruned and failed, not interrupted."""
    return sum(_counts(trial) for trial in study.get_trials(deepcopy=False))


def under_way_or_done(study: optuna.Study) -> int:
    """Trials that count towards the target once those that run have ended."""
    trials = study.get_trials(deepcopy=False)
    return sum(_counts(trial) or trial.state == TrialState.RUNNING for trial in trials)


def _counts(trial: FrozenTrial) -> bool:
    if infeasible(trial):
        return False
    if trial.state in (TrialState.COMPLETE, TrialState.PRUNED):
        return True
    return trial.state == TrialState.FAIL and state_of(trial) != KILLED


def infeasible(trial: FrozenTrial) -> bool:
    """Whether a limit kept a trial from being trained at all."""
    outcome = trial.user_attrs.get(OUTCOME) or {}
    return outcome.get("end_reason") == LIMIT and not outcome.get("curve")


def beyond_in_a_row(study: optuna.Study) -> int:
    """How many trials, the last one first, a limit kept from being trained one after another."""
    ended = [t for t in study.get_trials(deepcopy=False) if t.state.is_finished()]
    return sum(1 for _ in takewhile(infeasible, reversed(ended)))


def is_beyond(trial: FrozenTrial) -> bool:
    """Whether a trial that came to its end exceeds a limit, so that it does not rank."""
    return bool((trial.user_attrs.get(OUTCOME) or {}).get("beyond"))


def value_of(trial: FrozenTrial) -> float | None:
    """The objective's number: the first value where a study has several goals."""
    return trial.values[0] if trial.values else None


def reached(study: optuna.Study, target: float | None, sign: float) -> int | None:
    """The first complete trial within the limits that is as good as the target; None without one.

    Args:
        study: The study.
        target: None for no target.
        sign: What a value is multiplied by so that lower is better.
    """
    if target is None:
        return None
    for trial in study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,)):
        value = value_of(trial)
        if value is not None and sign * value <= sign * target and not is_beyond(trial):
            return trial.number
    return None


def same_before(study: optuna.Study, number: int, values: Mapping[str, Any]) -> FrozenTrial | None:
    """The first trial that came to its end with the same active parameters, or None.

    Args:
        study: The study.
        number: Of the trial that asks; only earlier ones are looked at.
        values: Real values of its active parameters; where there is none, nothing is the same.
    """
    if not values:
        return None
    ended = (TrialState.COMPLETE, TrialState.PRUNED)
    for trial in study.get_trials(deepcopy=False, states=ended):
        if _tries(trial, number, values) and not infeasible(trial):
            return trial
    return None


def twin_under_way(study: optuna.Study, number: int, values: Mapping[str, Any]) -> bool:
    """Whether another worker on this machine trains the same configuration now.

    One on another machine is not waited for, since nobody here could tell that it is gone. A trial
    that began a moment ago and has no configuration yet may get the same one: it counts.

    Args:
        study: The study.
        number: Of the trial that asks; only earlier ones are looked at.
        values: Real values of its active parameters; where there is none, nothing is the same.
    """
    return bool(values) and any(
        _is_being_chosen(trial, number)
        or (_tries(trial, number, values) and lives_here(trial.user_attrs.get(OWNER) or {}))
        for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
    )


def _is_being_chosen(trial: FrozenTrial, before: int) -> bool:
    began = trial.datetime_start or datetime.min
    recent = datetime.now() - began < timedelta(seconds=_PROPOSAL_S)
    return trial.number < before and PLAN not in trial.user_attrs and recent


def _tries(trial: FrozenTrial, before: int, values: Mapping[str, Any]) -> bool:
    """Whether a trial with a lower number than `before` has these values."""
    plan = trial.user_attrs.get(PLAN) or {}
    return trial.number < before and plan.get("values") == dict(values)


def running(study: optuna.Study) -> int:
    """Trials under way, `orphans` included."""
    return len(study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)))


def state_of(trial: FrozenTrial) -> str:
    """The trial's end in our words."""
    if trial.state == TrialState.FAIL:
        outcome = trial.user_attrs.get(OUTCOME) or {}
        return str(outcome.get("state", KILLED))
    return _STATES.get(trial.state, RUNNING)


def outcome_of(record: TrialRecord) -> dict[str, Any]:
    """How a trial ended, as its attribute holds it."""
    return {
        "state": record.state,
        "end_reason": record.end_reason,
        "message": record.message,
        "value": record.value,
        "beyond": BEYOND in record.tags,
        "metrics": dict(record.metrics),
        "trainer": record.tags.get(TRAINER),
        "curve": pack_curve(record.epochs),
    }


def requeue(study: optuna.Study, trial: FrozenTrial, record: TrialRecord) -> None:
    """Close an interrupted trial and queue its configuration again under the same slot.

    Args:
        study: Its study.
        trial: The trial, still running.
        record: The trial as far as it came, its state "killed".
    """
    slot = slot_of(study, trial)
    study._storage.set_trial_user_attr(trial._trial_id, OUTCOME, outcome_of(record))
    study.tell(trial.number, state=TrialState.FAIL)
    attrs = {SLOT: slot, RETRY_OF: trial.number}
    if RECIPE in trial.user_attrs:
        attrs[RECIPE] = trial.user_attrs[RECIPE]
    # What it was given stands where it was stopped before its parameters were stored.
    given = trial.system_attrs.get(GIVEN, {})
    study.enqueue_trial({**given, **trial.params}, user_attrs=attrs)


def orphans(study: optuna.Study) -> list[FrozenTrial]:
    """Trials left running by a process that is no more."""
    found = []
    for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        owner = trial.user_attrs.get(OWNER)
        started = trial.datetime_start or datetime.now()
        old = datetime.now() - started > timedelta(seconds=_ORPHAN_S)
        if (owner is not None and not lives(owner)) or (owner is None and old):
            found.append(trial)
    return found


def trial_record(study: str, trial: FrozenTrial, monitor: str) -> TrialRecord:
    """A stored trial as a plain record."""
    plan: Mapping[str, Any] = trial.user_attrs.get(PLAN) or {}
    outcome: Mapping[str, Any] = trial.user_attrs.get(OUTCOME) or {}
    state, end_reason = state_of(trial), outcome.get("end_reason", "")
    owner = trial.user_attrs.get(OWNER)
    if state == RUNNING and owner is not None and not lives(owner):
        state, end_reason = KILLED, "interrupted"
    ended = state in (COMPLETE, PRUNED)
    ending = {TRAINER: outcome["trainer"]} if outcome.get("trainer") else {}
    if outcome.get("beyond"):
        ending[BEYOND] = "true"
    return TrialRecord(
        study=study,
        number=trial.number,
        params=plan.get("values", trial.params),
        state=state,
        end_reason=end_reason,
        message=outcome.get("message", ""),
        value=_own_value(trial, outcome) if ended else None,
        objective=f"best_{monitor}",
        metrics=outcome.get("metrics", {}),
        tags=dict(plan.get("tags", {})) | ending,
        epochs=_epochs(outcome.get("curve", [])),
        run_id=plan.get("run_id"),
    )


def _own_value(trial: FrozenTrial, outcome: Mapping[str, Any]) -> float | None:
    """Optuna's value; for a pruned trial ours, since Optuna's is the last one that was reported."""
    if trial.state == TrialState.PRUNED and outcome.get("value") is not None:
        return float(outcome["value"])
    return value_of(trial)


def pack_curve(epochs: Sequence[EpochRecord]) -> list[list[Any]]:
    """A curve as JSON holds it: epoch, seconds, metrics."""
    return [[e.epoch, round(e.seconds, 4), json.loads(json.dumps(dict(e.metrics)))] for e in epochs]


def _epochs(curve: Sequence[Sequence[Any]]) -> tuple[EpochRecord, ...]:
    return tuple(EpochRecord(epoch=e, seconds=s, metrics=m) for e, s, m in curve)
