"""Optuna's private parts: used here and nowhere else, and held to the pinned version by a test.

What is written here goes to the database in few statements, where Optuna takes a transaction a
value: 2 to 5 ms each.
"""

from __future__ import annotations

import contextlib
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
from sqlalchemy import insert

from search.storage.views import StorageView


def frozen(trial: optuna.Trial) -> FrozenTrial:
    """A running trial as samplers and pruners see it; what is changed there is not stored."""
    return trial._cached_frozen_trial


def set_attribute(study: optuna.Study, trial: FrozenTrial, key: str, value: Any) -> None:
    """Store an attribute of a trial that another process began."""
    study._storage.set_trial_user_attr(trial._trial_id, key, value)


def add_parameter(
    trial: optuna.Trial, name: str, value: Any, distribution: BaseDistribution
) -> None:
    """Store a parameter of a running trial whose value somebody else chose."""
    inner = distribution.to_internal_repr(value)
    trial.storage.set_trial_param(trial._trial_id, name, inner, distribution)


def take_queued(study: optuna.Study, queued: FrozenTrial) -> optuna.Trial | None:
    """Begin a queued trial; None where somebody else did so just now."""
    if not study._storage.set_trial_state_values(queued._trial_id, state=TrialState.RUNNING):
        return None
    return optuna.Trial(study, queued._trial_id)


def storage_that_tells(study: optuna.Study, trial: FrozenTrial) -> StorageView:
    """The study's storage, which also shows a trial at hand the rungs that are stored with it."""
    storage = study._storage

    def set_trial_system_attr(trial_id: int, key: str, value: Any) -> None:
        storage.set_trial_system_attr(trial_id, key, value)
        trial.system_attrs[key] = value

    return StorageView(storage, set_trial_system_attr=set_trial_system_attr)


def write_reports(study: optuna.Study, trial: optuna.Trial, values: Mapping[int, float]) -> None:
    """Store reported values by epoch, in one statement where the storage is a database.

    Optuna itself takes a transaction a value, 2 to 3 ms each.

    Args:
        study: The study.
        trial: A running trial of it.
        values: Never reported before.
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
    """Store all that a new trial is given inside at its end, in one transaction."""
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
    """The database behind a storage, or None where it is none."""
    found = getattr(storage, "_backend", storage)
    return found if isinstance(found, RDBStorage) else None
