"""Holds every use of Optuna's private members; `views` alone imitates some of them.

The functions here write many values to the database in a few statements. Optuna itself takes a
transaction of 2 to 5 ms for each value.
"""

from __future__ import annotations

import contextlib
import copy
import json
from collections.abc import Iterator, Mapping
from typing import Any, cast

import optuna
from optuna.distributions import BaseDistribution, distribution_to_json
from optuna.storages import BaseStorage, RDBStorage
from optuna.storages._rdb.models import (
    TrialIntermediateValueModel,
    TrialParamModel,
    TrialUserAttributeModel,
)
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy import insert, update

from search.storage.views import StorageView


def frozen(trial: optuna.Trial) -> FrozenTrial:
    """A running trial as a `FrozenTrial`, as samplers see it; changes to it are not stored."""
    return trial._cached_frozen_trial


def set_attribute(study: optuna.Study, trial: FrozenTrial, key: str, value: Any) -> None:
    """Store an attribute of a trial that another process began.

    Args:
        study: The study.
        trial: The trial as it was read; its copy here does not change.
        key: Name of the attribute.
        value: What JSON holds.
    """
    study._storage.set_trial_user_attr(trial._trial_id, key, value)


def set_late_attribute(study: optuna.Study, number: int, key: str, value: Any) -> None:
    """Store an attribute of a trial whether or not it has ended, which Optuna itself refuses.

    A process that has read the ended trial before does not see it; where that is this one, the
    caller puts it into the trial that it has.

    Args:
        study: The study.
        number: Number of the trial.
        key: Name of the attribute.
        value: What JSON holds.
    """
    storage: Any = study._storage
    trial = study.get_trials(deepcopy=False)[number]
    database = _database(storage)
    if database is None:
        if not trial.state.is_finished():
            storage.set_trial_user_attr(trial._trial_id, key, value)
        return
    table = TrialUserAttributeModel
    own = (table.trial_id == trial._trial_id) & (table.key == key)
    text = json.dumps(value)
    with database.engine.begin() as connection:
        changed = connection.execute(update(table).where(own).values(value_json=text))
        if not changed.rowcount:
            row = {"trial_id": trial._trial_id, "key": key, "value_json": text}
            connection.execute(insert(table), [row])


def add_parameter(
    trial: optuna.Trial, name: str, value: Any, distribution: BaseDistribution
) -> None:
    """Store a parameter of a running trial whose value no sampler chose.

    Args:
        trial: The trial.
        name: Optuna's name of the parameter.
        value: The value, which the distribution holds.
        distribution: Optuna's distribution of it.
    """
    inner = distribution.to_internal_repr(value)
    trial.storage.set_trial_param(trial._trial_id, name, inner, distribution)


def take_queued(study: optuna.Study, queued: FrozenTrial) -> optuna.Trial | None:
    """Begin a queued trial; None where another process began it just now.

    Args:
        study: The study.
        queued: A trial of it that waits.
    """
    if not study._storage.set_trial_state_values(queued._trial_id, state=TrialState.RUNNING):
        return None
    return optuna.Trial(study, queued._trial_id)


def draft_of(study: optuna.Study, trial: optuna.Trial) -> optuna.Trial:
    """Make a copy of a running trial that asks the study's sampler anew, and stores no parameter.

    Args:
        study: The study; its present sampler is asked.
        trial: A trial of it without parameters.
    """
    draft = optuna.Trial(study, trial._trial_id)
    draft._cached_frozen_trial = copy.deepcopy(draft._cached_frozen_trial)
    storage = StorageView(trial.storage, set_trial_param=lambda *_: None)
    draft.storage = cast("BaseStorage", storage)
    return draft


def begin_given(study: optuna.Study, values: Mapping[str, Any]) -> optuna.Trial:
    """Begin a new trial with given parameters, whatever else is queued.

    Args:
        study: The study.
        values: Optuna's parameters, as `enqueue_trial` takes them.
    """
    while True:
        study.enqueue_trial(dict(values))
        waiting = study.get_trials(deepcopy=False, states=(TrialState.WAITING,))
        begun = take_queued(study, waiting[-1])
        if begun is not None:  # else another process began it just now
            return begun


def storage_that_updates(study: optuna.Study, trial: FrozenTrial) -> StorageView:
    """Make a storage that writes each system attribute to Optuna and to a trial's copy in memory.

    Successive halving stores the rungs that a trial reached as system attributes, and reads them
    from the `FrozenTrial` that it is given. That copy would lack all that was stored since it was
    read.

    Args:
        study: The study.
        trial: The copy in memory of the trial that is judged; it is changed.
    """
    storage = study._storage

    def set_trial_system_attr(trial_id: int, key: str, value: Any) -> None:
        storage.set_trial_system_attr(trial_id, key, value)
        trial.system_attrs[key] = value

    return StorageView(storage, set_trial_system_attr=set_trial_system_attr)


def write_reports(study: optuna.Study, trial: optuna.Trial, values: Mapping[int, float]) -> None:
    """Store the values that a trial reported, by epoch; a database gets them in one statement.

    Optuna itself takes a transaction of 2 to 3 ms for each value.

    Args:
        study: The study.
        trial: A running trial of it.
        values: The value of each epoch; none of these epochs was reported before.
    """
    if not values:
        return
    storage: Any = study._storage
    database = _database(storage)
    if database is None:
        for epoch, value in values.items():
            storage.set_trial_intermediate_value(trial._trial_id, epoch, value)
        return
    rows = []
    for epoch, value in values.items():
        stored, kind = TrialIntermediateValueModel.intermediate_value_to_stored_repr(value)
        rows.append(
            {
                "trial_id": trial._trial_id,
                "step": epoch,
                "intermediate_value": stored,
                "intermediate_value_type": kind,
            }
        )
    with database.engine.begin() as connection:
        connection.execute(insert(TrialIntermediateValueModel), rows)


@contextlib.contextmanager
def stored_at_once(trial: optuna.Trial) -> Iterator[None]:
    """Collect a new trial's parameters and attributes, and store them when the block ends."""
    storage = trial.storage
    parameters: dict[str, tuple[float, BaseDistribution]] = {}
    attributes: dict[str, Any] = {}

    def set_trial_param(_: int, name: str, value: float, distribution: BaseDistribution) -> None:
        parameters[name] = (value, distribution)

    def set_trial_user_attr(_: int, key: str, value: Any) -> None:
        attributes[key] = value

    holding = StorageView(
        storage, set_trial_param=set_trial_param, set_trial_user_attr=set_trial_user_attr
    )
    trial.storage = cast("BaseStorage", holding)
    try:
        yield
    finally:
        trial.storage = storage
    _store(storage, trial._trial_id, parameters, attributes)


def _store(
    storage: BaseStorage,
    trial_id: int,
    parameters: Mapping[str, tuple[float, BaseDistribution]],
    attributes: Mapping[str, Any],
) -> None:
    """Store a trial's parameters and attributes; a database gets them in one transaction."""
    database = _database(storage)
    if database is None:
        for name, (value, distribution) in parameters.items():
            storage.set_trial_param(trial_id, name, value, distribution)
        for key, value in attributes.items():
            storage.set_trial_user_attr(trial_id, key, value)
        return
    rows = [
        {
            "trial_id": trial_id,
            "param_name": name,
            "param_value": value,
            "distribution_json": distribution_to_json(distribution),
        }
        for name, (value, distribution) in parameters.items()
    ]
    pairs = [
        {"trial_id": trial_id, "key": key, "value_json": json.dumps(value)}
        for key, value in attributes.items()
    ]
    with database.engine.begin() as connection:
        if rows:
            connection.execute(insert(TrialParamModel), rows)
        if pairs:
            connection.execute(insert(TrialUserAttributeModel), pairs)


def _database(storage: Any) -> RDBStorage | None:
    """The database behind a storage; None where the storage is no database."""
    backend = getattr(storage, "_backend", storage)
    return backend if isinstance(backend, RDBStorage) else None
