"""Ends a trial in one transaction, unless it has ended by now.

Optuna's own `tell` reads a trial anew, and takes three. Like `internals`, this module uses Optuna's
private members.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import optuna
from optuna.exceptions import UpdateFinishedTrialError
from optuna.storages import RDBStorage
from optuna.storages._rdb.models import TrialModel, TrialValueModel
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy import Connection, insert, update

from search.storage.internals import database_of, frozen
from search.storage.writes.on_server import is_postgresql, store_end
from search.storage.writes.statements import attribute_of, in_one, put_attribute


def fail_running(study: optuna.Study, trial: FrozenTrial, key: str, value: Any) -> bool:
    """End a trial as failed with an attribute, unless it has ended by now.

    Of several processes that do so at once, one does it.

    Args:
        study: The study.
        trial: A trial of it that was running when it was read.
        key: Name of the attribute.
        value: What JSON holds.

    Returns:
        Whether this call ended it.
    """
    storage: Any = study._storage
    study._thread_local.cached_all_trials = None
    database = database_of(storage)
    if database is None:
        try:
            storage.set_trial_user_attr(trial._trial_id, key, value)
            return bool(storage.set_trial_state_values(trial._trial_id, state=TrialState.FAIL))
        except UpdateFinishedTrialError:
            return False
    return _end(database, trial._trial_id, TrialState.FAIL, (), (key, value))


def end_running(
    study: optuna.Study,
    trial: optuna.Trial,
    state: TrialState,
    values: Sequence[float],
    attribute: tuple[str, Any],
) -> bool:
    """End a trial of this process with its values and an attribute, in one transaction.

    Args:
        study: The study.
        trial: The trial.
        state: COMPLETE or FAIL. Of a pruned trial Optuna stores what was reported last.
        values: The objectives' values; none for FAIL.
        attribute: Name and content, of what JSON holds.

    Returns:
        Whether it ended the trial; false where that had ended by now.
    """
    study._thread_local.cached_all_trials = None
    database = database_of(study)
    if database is None:
        trial.storage.set_trial_user_attr(trial._trial_id, *attribute)
        study.tell(trial, list(values) or None, state=state)
        return True
    _tell_sampler(study, frozen(trial), state, values)
    return _end(database, trial._trial_id, state, values, attribute)


def _end(
    database: RDBStorage,
    trial_id: int,
    state: TrialState,
    values: Sequence[float],
    attribute: tuple[str, Any],
) -> bool:
    """End a running trial; return whether this call did so, now or before a connection broke."""
    key, content = attribute

    def was_stored(connection: Connection) -> bool:
        # By the call before: the server may go on with it after its connection broke. Only a
        # statement that begins now sees what that one has stored meanwhile.
        return attribute_of(connection, trial_id, key) == json.dumps(content)

    def store_on_server(connection: Connection) -> bool:
        stored = store_end(connection, trial_id, state, values, attribute)
        return stored or was_stored(connection)

    if is_postgresql(database):
        return in_one(database, store_on_server, is_one_statement=True)
    is_it = (TrialModel.trial_id == trial_id) & (TrialModel.state == TrialState.RUNNING)
    now = datetime.now(UTC).replace(tzinfo=None)  # as Optuna stores it
    end = update(TrialModel).where(is_it).values(state=state, datetime_complete=now)
    rows = [_value_row(trial_id, place, value) for place, value in enumerate(values)]

    def store(connection: Connection) -> bool:
        if not connection.execute(end).rowcount:
            return was_stored(connection)
        if rows:
            connection.execute(insert(TrialValueModel), rows)
        put_attribute(connection, trial_id, key, content)
        return True

    return in_one(database, store)


def _tell_sampler(
    study: optuna.Study, trial: FrozenTrial, state: TrialState, values: Sequence[float]
) -> None:
    filtered = optuna.pruners._filter_study(study, trial)
    filtered.sampler.after_trial(filtered, trial, state, list(values) or None)


def _value_row(trial_id: int, objective: int, value: float) -> dict[str, Any]:
    """A value of a trial as Optuna stores it."""
    stored, kind = TrialValueModel.value_to_stored_repr(float(value))
    return {"trial_id": trial_id, "objective": objective, "value": stored, "value_type": kind}
