"""Which trial comes next, and how one that was cut short is queued again."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

import optuna
from optuna.trial import FrozenTrial, TrialState

from search.storage.claims.leases import leases_of, owners
from search.storage.internals import create_running, run_queued
from search.storage.new_attributes import attributes_of_asked, attributes_of_queued
from search.storage.patience import patience_of
from search.storage.slots import next_slot, slot_of
from search.storage.trial_attributes import (
    owner_of_trial,
    queued_values,
    recipe_of,
    retry_of,
    wanted_of,
    write_end_of_another,
    write_owner_of_queued,
)
from search.storage.trials import state_of
from search.storage.views import reckoned
from tracking import KILLED, TrialRecord


def begin_next(study: optuna.Study, seen: optuna.Study, owner: Mapping[str, Any]) -> int:
    """Begin the next trial: the first that is queued, or a new one; the caller holds the lock.

    Args:
        study: The study.
        seen: The study as it was read under the lock.
        owner: The process that runs the trial.

    Returns:
        The trial's identifier, for `search.storage.internals.trial_of`.
    """
    for queued in seen.get_trials(deepcopy=False, states=(TrialState.WAITING,)):
        identifier = run_queued(study, queued)
        if identifier is not None:
            write_owner_of_queued(study, queued, owner)
            return identifier
    return create_running(study, attributes_of_asked(owner, next_slot(seen)))


def requeue(study: optuna.Study, trial: FrozenTrial, record: TrialRecord) -> bool:
    """Close an interrupted trial, and queue its configuration again under the same slot.

    Who closes it queues it. A process that dies between the two has left what `queue_forgotten`
    finds.

    Args:
        study: Its study.
        trial: The trial; Optuna still has it as running.
        record: Its record so far, with the state "killed".

    Returns:
        Whether this call did so; false where the trial's end was told by now.
    """
    if not write_end_of_another(study, trial, record):
        return False
    _queue_again(study, trial)
    return True


def _queue_again(study: optuna.Study, trial: FrozenTrial) -> None:
    """Queue a closed trial's configuration under the same slot."""
    attributes = attributes_of_queued(
        slot=slot_of(study, trial),
        retry_of=trial.number,
        recipe=recipe_of(trial),
        wanted=wanted_of(trial),
    )
    patience = patience_of(study)

    def queue() -> None:
        """Queue it, unless that was done just before the connection to a database broke."""
        with patience.at_once():
            others = study.get_trials(deepcopy=False)
            if all(retry_of(other) != trial.number for other in others):
                # What it was given stands where it was stopped before its values were stored.
                given = {**queued_values(trial), **trial.params}
                study.enqueue_trial(given, user_attrs=attributes)

    patience.through(queue)


def not_queued_again(study: optuna.Study) -> list[FrozenTrial]:
    """The closed trials whose configuration is not queued again, or not yet."""
    return reckoned(study, "cut", _cut, _Cut.then).lacking


class _Cut(NamedTuple):
    """Of some trials the closed ones that are not queued again among them, and what retries do."""

    lacking: list[FrozenTrial]
    again: set[int | None]

    def then(self, later: _Cut) -> _Cut:
        lacking = [trial for trial in self.lacking if trial.number not in later.again]
        return _Cut([*lacking, *later.lacking], later.again)  # a retry follows what it retries


def _cut(trials: Sequence[FrozenTrial]) -> _Cut:
    closed = [t for t in trials if t.state == TrialState.FAIL and state_of(t) == KILLED]
    again = {retry_of(trial) for trial in trials}
    return _Cut([trial for trial in closed if trial.number not in again], again)


def queue_forgotten(study: optuna.Study, also: Collection[int] = ()) -> list[int]:
    """Queue the configurations of closed trials whose process died before it could do so.

    The caller holds the storage's lock.

    Args:
        study: The study.
        also: Numbers of trials that are forgotten though the process that had them lives.

    Returns:
        The numbers of the closed trials.
    """
    lacking = not_queued_again(study)
    alive = owners(leases_of(study).rows(study.study_name)) if lacking else set()
    forgotten = [
        trial
        for trial in lacking
        if trial.number in also or (owner_of_trial(trial) or {}).get("id") not in alive
    ]
    for trial in forgotten:
        _queue_again(study, trial)
    return [trial.number for trial in forgotten]
