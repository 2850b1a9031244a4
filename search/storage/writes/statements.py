"""Writes many values to the database in a few statements, or in one transaction.

Optuna itself takes a transaction of 2 to 5 ms for each value. Like `internals`, this module uses
Optuna's private members.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar, cast

import optuna
from optuna.distributions import BaseDistribution, distribution_to_json
from optuna.storages import BaseStorage, RDBStorage
from optuna.storages._rdb.models import (
    TrialIntermediateValueModel,
    TrialParamModel,
    TrialUserAttributeModel,
)
from sqlalchemy import Connection, insert, select, update
from sqlalchemy.exc import IntegrityError

from search.storage.internals import database_of
from search.storage.patience import patience_of
from search.storage.views import StorageView
from search.storage.writes.on_server import is_postgresql, store_given, store_reports

_Done = TypeVar("_Done")


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
    database = database_of(storage)
    if database is None:
        if not trial.state.is_finished():
            storage.set_trial_user_attr(trial._trial_id, key, value)
        return
    in_one(database, lambda connection: put_attribute(connection, trial._trial_id, key, value))


def late_attribute(study: optuna.Study, number: int, key: str) -> Any:
    """Read an attribute of a trial as it is stored now, also one that came after the trial's end.

    Args:
        study: The study.
        number: Number of the trial.
        key: Name of the attribute.

    Returns:
        What `set_late_attribute` stored, by whichever process; None where there is nothing.

    Raises:
        sqlalchemy.exc.SQLAlchemyError: The database is away.
    """
    trial = study.get_trials(deepcopy=False)[number]
    database = database_of(study._storage)
    if database is None:  # a storage in memory, which no other process has
        return None
    with database.engine.connect() as connection:
        text = attribute_of(connection, trial._trial_id, key)
    return None if text is None else json.loads(text)


def attribute_of(connection: Connection, trial_id: int, key: str) -> str | None:
    """An attribute of a trial, as it is stored; None where it has none."""
    table = TrialUserAttributeModel
    own = (table.trial_id == trial_id) & (table.key == key)
    return cast("str | None", connection.execute(select(table.value_json).where(own)).scalar())


def put_attribute(connection: Connection, trial_id: int, key: str, value: Any) -> None:
    """Store an attribute of a trial, in place of the one that it may have."""
    table, text = TrialUserAttributeModel, json.dumps(value)
    own = (table.trial_id == trial_id) & (table.key == key)
    if not connection.execute(update(table).where(own).values(value_json=text)).rowcount:
        row = {"trial_id": trial_id, "key": key, "value_json": text}
        connection.execute(insert(table), [row])


def in_one(
    database: RDBStorage, store: Callable[[Connection], _Done], *, is_one_statement: bool = False
) -> _Done:
    """Write in one transaction; where the database is away for a while, once it is back.

    Args:
        database: The database.
        store: Writes.
        is_one_statement: Whether it is a single statement, which is a transaction by itself.
    """

    tries = 0

    def call() -> _Done:
        nonlocal tries
        tries += 1
        try:
            if not is_one_statement:
                with database.engine.begin() as connection:
                    return store(connection)
            with database.engine.connect() as connection:
                return store(connection.execution_options(isolation_level="AUTOCOMMIT"))
        except IntegrityError:
            if tries == 1:
                raise
            # It was all written just before the connection broke.
            return cast("_Done", None)

    return patience_of(database).through(call)


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
    database = database_of(storage)
    if database is None:
        for epoch, value in values.items():
            storage.set_trial_intermediate_value(trial._trial_id, epoch, value)
        return
    if is_postgresql(database):
        number = trial._trial_id
        in_one(database, lambda each: store_reports(each, number, values), is_one_statement=True)
        return
    rows, table = [], TrialIntermediateValueModel
    for epoch, value in values.items():
        stored, kind = table.intermediate_value_to_stored_repr(value)
        rows.append(
            {
                "trial_id": trial._trial_id,
                "step": epoch,
                "intermediate_value": stored,
                "intermediate_value_type": kind,
            }
        )
    in_one(database, lambda connection: connection.execute(insert(table), rows))


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
    database = database_of(storage)
    if database is None:
        for name, (value, distribution) in parameters.items():
            storage.set_trial_param(trial_id, name, value, distribution)
        for key, value in attributes.items():
            storage.set_trial_user_attr(trial_id, key, value)
        return
    if is_postgresql(database):
        given = (trial_id, parameters, attributes)
        in_one(database, lambda each: store_given(each, *given), is_one_statement=True)
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

    def store(connection: Connection) -> None:
        if rows:
            connection.execute(insert(TrialParamModel), rows)
        if pairs:
            connection.execute(insert(TrialUserAttributeModel), pairs)

    in_one(database, store)
