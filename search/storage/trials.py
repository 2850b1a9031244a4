"""Counts, ranks and compares a study's trials, and finds those whose process is gone."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import takewhile
from typing import Any, NamedTuple

import optuna
from optuna.trial import FrozenTrial, TrialState

from search.storage.claims.leases import leases_of, owners
from search.storage.direction import known_value_of, sign_of
from search.storage.trial_attributes import (
    beyond_of,
    has_plan,
    outcome_of,
    owner_of_trial,
    plan_of,
    retry_of,
)
from search.storage.views import reckoned
from search.storage.writes.beginning import Tally
from tracking import (
    COMPLETE,
    FAILED,
    KILLED,
    PRUNED,
    QUEUED,
    REFUSED,
    RUNNING,
    EndReason,
)

_ENDED = (TrialState.COMPLETE, TrialState.PRUNED)
_ORPHAN_S = 60
_PROPOSAL_S = 5
_STATES = {TrialState.COMPLETE: COMPLETE, TrialState.PRUNED: PRUNED, TrialState.WAITING: QUEUED}


def finished(study: optuna.Study) -> int:
    """Count the finished trials: complete, pruned and failed ones, not the interrupted."""
    return tally_of(study).finished


def under_way_or_done(study: optuna.Study) -> int:
    """Count the finished and the running trials together."""
    tally = tally_of(study)
    return tally.finished + tally.by_state[TrialState.RUNNING]


def tally_of(study: optuna.Study) -> Tally:
    """Count a study's trials by kind."""
    return reckoned(study, "tally", _tally, Tally.plus)


def _tally(trials: Sequence[FrozenTrial]) -> Tally:
    ended = (t for t in trials if t.state in (TrialState.FAIL, TrialState.PRUNED))
    return Tally(
        by_state=Counter(trial.state for trial in trials),
        counting=sum(counts(trial) for trial in ended),
        retries=sum(retry_of(trial) is not None for trial in trials),
    )


def counts(trial: FrozenTrial) -> bool:
    """Whether a trial counts towards the study's target."""
    if trial.state == TrialState.COMPLETE:
        return True
    if trial.state == TrialState.PRUNED:
        return not infeasible(trial)
    return trial.state == TrialState.FAIL and state_of(trial) != KILLED


def infeasible(trial: FrozenTrial) -> bool:
    """Whether a trial was not trained because its model exceeded a limit; such ones are pruned."""
    return trial.state == TrialState.PRUNED and outcome_of(trial).is_infeasible


def beyond_in_a_row(study: optuna.Study) -> int:
    """Count the latest trials in a row whose models exceeded a limit before training."""

    def latest(trials: Sequence[FrozenTrial]) -> _Row:
        ended = [trial for trial in trials if trial.state.is_finished()]
        count = sum(1 for _ in takewhile(infeasible, reversed(ended)))
        return _Row(count, is_whole=count == len(ended))

    return reckoned(study, "beyond", latest, _Row.then).length


class _Row(NamedTuple):
    """How many trials at the end are alike, and whether all are."""

    length: int
    is_whole: bool

    def then(self, later: _Row) -> _Row:
        if not later.is_whole:
            return later
        return _Row(self.length + later.length, is_whole=self.is_whole)


def failed_alike(study: optuna.Study, since: int, least: int) -> str | None:
    """The message of the first trials if these failed with the same one and none other ended.

    Args:
        study: The study.
        since: Number of the first trial that is looked at.
        least: How many must have failed; None is returned for fewer.
    """

    def of(trials: Sequence[FrozenTrial]) -> Counter[str | None]:
        ended = (trial for trial in trials if trial.number >= since and counts(trial))
        return Counter(outcome_of(t).message if t.state == TrialState.FAIL else None for t in ended)

    ends = reckoned(study, f"ends since {since}", of, lambda first, later: first + later)
    (message,) = ends if len(ends) == 1 else [None]
    return message if ends[message] >= least else None


def is_beyond(trial: FrozenTrial) -> bool:
    """Whether an ended trial exceeds a limit, so that it does not rank."""
    return beyond_of(trial)


def is_refused(trial: FrozenTrial) -> bool:
    """Whether an ended trial exceeds a limit, be it that it was trained or not."""
    outcome = outcome_of(trial)
    return outcome.beyond or outcome.end_reason == EndReason.LIMIT


def ranking(study: optuna.Study) -> list[FrozenTrial]:
    """The complete trials that exceed no limit, best first; of equal ones the earlier first."""
    return sorted(_ranked(study.get_trials(deepcopy=False)), key=_rank(study))


def best_of(study: optuna.Study) -> FrozenTrial | None:
    """The first of `ranking`, or None."""
    rank = _rank(study)

    def best(trials: Iterable[FrozenTrial | None]) -> FrozenTrial | None:
        return min((trial for trial in trials if trial is not None), key=rank, default=None)

    return reckoned(study, "best", lambda all_: best(_ranked(all_)), lambda a, b: best((a, b)))


def _ranked(trials: Sequence[FrozenTrial]) -> Iterator[FrozenTrial]:
    """The trials that rank, in the order of their numbers."""
    done = (trial for trial in trials if trial.state == TrialState.COMPLETE)
    return (t for t in done if not is_beyond(t) and math.isfinite(known_value_of(t)))


def _rank(study: optuna.Study) -> Callable[[FrozenTrial], tuple[float, int]]:
    """What trials are ranked by, the least first."""
    sign = sign_of(study)
    return lambda trial: (sign * known_value_of(trial), trial.number)


def reached(study: optuna.Study, target: float | None) -> int | None:
    """The number of the first complete trial within the limits that reached the target, or None.

    Args:
        study: The study.
        target: None for no target.
    """
    if target is None:
        return None
    sign = sign_of(study)

    def first(trials: Sequence[FrozenTrial]) -> int | None:
        for trial in trials:
            is_done = trial.state == TrialState.COMPLETE and not is_beyond(trial)
            if is_done and sign * known_value_of(trial) <= sign * target:
                return trial.number
        return None

    return reckoned(study, f"reached {target}", first, lambda a, b: b if a is None else a)


def same_before(
    study: optuna.Study, number: int, values: Mapping[str, Any], since: int = 0
) -> FrozenTrial | None:
    """The first earlier trial that ended with the same active parameters, or None.

    Args:
        study: The study.
        number: Number of the new trial; only earlier ones are looked at.
        values: Its active parameters as a model gets them (64, "relu"); if empty, None is returned.
        since: Number of the first trial that is looked at.
    """
    if not values:
        return None
    tried = reckoned(
        study, "tried", _tried, lambda a, b: a | {k: [*a.get(k, ()), *v] for k, v in b.items()}
    )
    same = tried.get(_key(values), ())
    return next((t for t in same if t.number >= since and _tries(t, number, values)), None)


def _tried(trials: Sequence[FrozenTrial]) -> dict[int, list[FrozenTrial]]:
    """The ended trials whose value may be reused, by a key of their configuration."""
    found: dict[int, list[FrozenTrial]] = {}
    for trial in trials:
        if trial.state in _ENDED and has_plan(trial) and not infeasible(trial):
            found.setdefault(_key(plan_of(trial).values), []).append(trial)
    return found


def _key(values: Mapping[str, Any]) -> int:
    """The same number for equal configurations, and seldom for others."""
    try:
        return hash(frozenset(values.items()))
    except TypeError:  # a value has no hash
        return hash(frozenset(values))


def twin_under_way(study: optuna.Study, number: int, values: Mapping[str, Any]) -> bool:
    """Whether another living worker, on any machine, trains the same configuration now.

    A trial that began a moment ago and has no configuration yet may get the same one, so it counts.

    Args:
        study: The study.
        number: Number of the new trial; only earlier ones are looked at.
        values: Its active parameters as a model gets them (64, "relu"); False if it is empty.
    """
    leases = leases_of(study)

    def is_alive(trial: FrozenTrial) -> bool:
        owner = owner_of_trial(trial)
        return owner is not None and leases.lives(owner)

    return bool(values) and any(
        _is_being_chosen(trial, number)
        or ((_is_being_built(trial, number) or _tries(trial, number, values)) and is_alive(trial))
        for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
    )


def _is_being_chosen(trial: FrozenTrial, before: int) -> bool:
    """Whether an earlier trial began a moment ago and has no configuration yet."""
    began = trial.datetime_start or datetime.min
    recent = abs(datetime.now() - began) < timedelta(seconds=_PROPOSAL_S)  # clocks differ
    return trial.number < before and not has_plan(trial) and recent


def _is_being_built(trial: FrozenTrial, before: int) -> bool:
    """Whether an earlier trial's model still asks for values, so that any may come out."""
    return trial.number < before and has_plan(trial) and not plan_of(trial).is_whole


def _tries(trial: FrozenTrial, before: int, values: Mapping[str, Any]) -> bool:
    """Whether a trial has a number below `before`, and exactly the given parameter values."""
    return trial.number < before and has_plan(trial) and plan_of(trial).values == dict(values)


def running(study: optuna.Study) -> int:
    """Count the running trials, `orphans` included."""
    return len(study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)))


def state_of(trial: FrozenTrial) -> str:
    """A trial's state as one of `tracking.State`."""
    if trial.state == TrialState.FAIL:
        # What another process closed may hold the outcome that its owner was about to tell.
        return FAILED if outcome_of(trial).state == FAILED else KILLED
    if trial.state == TrialState.PRUNED and infeasible(trial):
        return REFUSED
    return _STATES.get(trial.state, RUNNING)


def orphans(study: optuna.Study, *, is_locked: bool = False) -> list[FrozenTrial]:
    """The trials that are marked as running although their process is gone.

    Args:
        study: The study.
        is_locked: Whether the caller holds the lock under which trials are asked for and get their
            owner; then one without an owner has lost its process.
    """
    under_way = study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
    if not under_way:
        return []
    leases = leases_of(study)
    # Who holds the lock has ended the leases of those that he may take for gone.
    alive = owners([row for row in leases.rows() if is_locked or row.is_alive])
    left_behind = []
    for trial in under_way:
        owner = owner_of_trial(trial)
        if owner is None:
            started = trial.datetime_start or datetime.now()
            is_left = is_locked or datetime.now() - started > timedelta(seconds=_ORPHAN_S)
        else:
            is_left = owner.get("id") not in alive and not leases.lives(owner)
        if is_left:
            left_behind.append(trial)
    return left_behind
