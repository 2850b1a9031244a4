"""Begins a trial under the storage's lock, in as few statements as its database allows.

What is done under the lock bounds how many trials a second all workers together begin. On
PostgreSQL the lock, the count and the new trial are sent at once, so that the lock is held only as
long as the server takes, however busy this process is. Like `internals`, this module uses Optuna's
private members.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

import optuna
from optuna.storages import RDBStorage
from optuna.storages._cached_storage import _CachedStorage, _StudyInfo
from optuna.storages._rdb.models import StudyModel, TrialModel, TrialUserAttributeModel
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy import Connection, func, insert, select
from sqlalchemy.exc import OperationalError

from search.storage.claims.lock import key_of, sought_on_server, wait_for
from search.storage.internals import database_of
from search.storage.patience import patience_of
from search.storage.reading.trials import PlainStorage
from search.storage.writes.on_server import is_postgresql
from search.storage.writes.statements import in_one

_WAITS_MS = 1000
_LOOKED_AT = (TrialState.FAIL, TrialState.PRUNED, TrialState.WAITING)
"""States of which some count and some do not, or that come first: if their numbers have changed,
what was read before the lock is of no use."""


class Tally(NamedTuple):
    """How many trials of each kind a study has.

    Attributes:
        by_state: How many of each state.
        counting: How many failed and pruned ones of these count as finished.
        retries: How many of all try an interrupted one again.
    """

    by_state: Counter[TrialState]
    counting: int
    retries: int

    @property
    def finished(self) -> int:
        """How many finished trials there are."""
        return self.by_state[TrialState.COMPLETE] + self.counting

    def plus(self, other: Tally) -> Tally:
        """Of these trials and others together."""
        return Tally(
            by_state=self.by_state + other.by_state,
            counting=self.counting + other.counting,
            retries=self.retries + other.retries,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Beginning:
    """A trial to be begun, unless the study has changed or has enough of them.

    Attributes:
        tally: How many trials of each kind there were when the study was read; none waits.
        later: By state, how many come after the first ones, which all had ended: those are not
            counted anew.
        after: Identifier of the last of those first ones; -1 for none.
        target: How many finished and running trials there may be.
        attributes: The user attributes that the trial has from its first moment on.
        slot_key: The attribute that is its slot: its number less the retries.
    """

    tally: Tally
    later: Counter[TrialState]
    after: int
    target: int
    attributes: Mapping[str, Any]
    slot_key: str

    @property
    def before(self) -> Counter[TrialState]:
        """How many of the first trials there are, by state."""
        return self.tally.by_state - self.later

    def attributes_of(self, number: int) -> dict[str, Any]:
        """The user attributes of the trial with a number."""
        return {**self.attributes, self.slot_key: number - self.tally.retries}


class Begun(NamedTuple):
    """What became of it.

    Attributes:
        identifier: The trial's; None where none was begun.
        is_as_known: Whether the study is as it was read, so that None means that it has enough.
        number: The trial's number.
    """

    identifier: int | None
    is_as_known: bool
    number: int = -1


def begin_at_once(
    study: optuna.Study, wanted: Beginning, lock: Callable[[], AbstractContextManager[None]]
) -> Begun:
    """Count a study's trials, and begin one if there is a place.

    Args:
        study: The study, in a database.
        wanted: The trial.
        lock: Makes the storage's lock, for `with`.

    Raises:
        StillHeld: Another process holds the lock, and nobody waits for it any longer.
    """
    database = database_of(study)
    assert database is not None
    study._thread_local.cached_all_trials = None
    if is_postgresql(database):
        return _kept(study, wanted, _on_server(study, database, wanted))

    def under_lock() -> Begun:
        with patience_of(database).at_once(), lock():
            try:
                return in_one(database, lambda each: _stored(each, study, wanted))
            except _Undone as undone:
                return undone.begun

    return _kept(study, wanted, patience_of(database).through(under_lock))


def _on_server(study: optuna.Study, database: RDBStorage, wanted: Beginning) -> Begun:
    """Begin a trial on PostgreSQL, once the lock is free."""
    patience = patience_of(database)
    found: list[Begun | None] = [None]

    def acquire(seconds: float, gives_up: Callable[[], bool]) -> bool:
        latest = time.monotonic() + seconds
        while found[-1] is None and not gives_up() and time.monotonic() < latest:
            found.append(patience.through(lambda: _sent(study, database, wanted)))
        return found[-1] is not None

    wait_for(acquire, sought_on_server(database.engine, "optuna"), patience.for_locks)
    assert found[-1] is not None
    return found[-1]


class _Undone(Exception):
    """No trial is begun: what was written of it is taken back."""

    def __init__(self, *, is_as_known: bool) -> None:
        super().__init__()
        self.begun = Begun(None, is_as_known)


def _stored(connection: Connection, study: optuna.Study, wanted: Beginning) -> Begun:
    """Begin a trial in a transaction of which the caller holds the lock.

    It is written first, so that nobody who queues a trial meanwhile comes between.

    Raises:
        _Undone: The study has changed, or has enough trials.
    """
    own, table = TrialModel.study_id == study._study_id, TrialModel.__table__
    row = select(StudyModel.study_id).where(StudyModel.study_id == study._study_id)
    connection.execute(row.with_for_update())
    added: Any = connection.execute(
        insert(table).values(
            number=select(func.count()).select_from(TrialModel).where(own).scalar_subquery(),
            study_id=study._study_id,
            state=TrialState.RUNNING,
            datetime_start=datetime.now(UTC).replace(tzinfo=None),
        )
    )
    identifier = int(added.inserted_primary_key[0])
    others = own & (TrialModel.trial_id != identifier) & (TrialModel.trial_id > wanted.after)
    counts = select(TrialModel.state, func.count()).where(others).group_by(TrialModel.state)
    later: Counter[TrialState] = Counter({row[0]: row[1] for row in connection.execute(counts)})
    if any(later[state] != wanted.later[state] for state in _LOOKED_AT):
        raise _Undone(is_as_known=False)
    now = wanted.before + later
    if now[TrialState.RUNNING] + now[TrialState.COMPLETE] + wanted.tally.counting >= wanted.target:
        raise _Undone(is_as_known=True)
    number = now.total()
    attributes = wanted.attributes_of(number)
    rows = [
        {"trial_id": identifier, "key": key, "value_json": json.dumps(value)}
        for key, value in attributes.items()
    ]
    connection.execute(insert(TrialUserAttributeModel), rows)
    return Begun(identifier, True, number)


_LOCK = "SELECT set_config('lock_timeout', %s, true), pg_advisory_xact_lock(%s)"
_BEGIN = """
WITH now AS (
  SELECT %(before)s + count(*) AS total,
    %(complete)s + count(*) FILTER (WHERE state IN ('RUNNING', 'COMPLETE')) AS busy,
    count(*) FILTER (WHERE state = 'FAIL') = %(FAIL)s
      AND count(*) FILTER (WHERE state = 'PRUNED') = %(PRUNED)s
      AND count(*) FILTER (WHERE state = 'WAITING') = %(WAITING)s AS as_known
  FROM trials WHERE study_id = %(study)s AND trial_id > %(after)s
), begun AS (
  INSERT INTO trials (number, study_id, state, datetime_start)
  SELECT total, %(study)s, 'RUNNING'::trialstate, %(moment)s FROM now
  WHERE as_known AND busy + %(counting)s < %(target)s
  RETURNING trial_id, number
), told AS (
  INSERT INTO trial_user_attributes (trial_id, key, value_json)
  SELECT trial_id, key, value::text FROM begun, json_each(%(attributes)s::json)
  UNION ALL
  SELECT trial_id, %(slot_key)s, (number - %(retries)s)::text FROM begun
)
SELECT trial_id, number, as_known FROM now LEFT JOIN begun ON true
"""


def _sent(study: optuna.Study, database: RDBStorage, wanted: Beginning) -> Begun | None:
    """Begin a trial on PostgreSQL; None where the lock is held for longer than a second."""
    from psycopg import Error
    from psycopg.errors import LockNotAvailable

    given: dict[str, Any] = {state.name: wanted.later[state] for state in _LOOKED_AT}
    given |= {
        "after": wanted.after, "before": wanted.before.total(),
        "complete": wanted.before[TrialState.COMPLETE],
        "study": study._study_id, "moment": datetime.now(UTC).replace(tzinfo=None),
        "counting": wanted.tally.counting, "target": wanted.target, "slot_key": wanted.slot_key,
        "retries": wanted.tally.retries, "attributes": json.dumps(dict(wanted.attributes)),
    }  # fmt: skip
    with database.engine.connect() as connection:
        driver: Any = connection.connection.driver_connection
        try:
            with driver.pipeline():
                driver.execute(_LOCK, [f"{_WAITS_MS}ms", key_of("optuna")])
                # Plain Optuna takes this lock where it creates a trial.
                driver.execute(
                    "SELECT 1 FROM studies WHERE study_id = %s FOR UPDATE", [study._study_id]
                )
                answer = driver.execute(_BEGIN, given)
                driver.commit()
            identifier, number, is_as_known = answer.fetchone()
        except LockNotAvailable:
            return None
        except Error as error:
            if driver.closed:
                connection.invalidate(error)
            raise OperationalError(
                "begin a trial", None, error, connection_invalidated=bool(driver.closed)
            ) from error
    return Begun(identifier, bool(is_as_known), -1 if number is None else number)


def _kept(study: optuna.Study, wanted: Beginning, begun: Begun) -> Begun:
    """Keep a trial that was created just now, as Optuna does, for who asks for it first."""
    identifier, number = begun.identifier, begun.number
    if identifier is None:
        return begun
    attributes = wanted.attributes_of(number)

    def made() -> FrozenTrial:
        return FrozenTrial(
            number=number, state=TrialState.RUNNING, value=None, values=None,
            datetime_start=datetime.now(), datetime_complete=None, params={}, distributions={},
            user_attrs=dict(attributes), system_attrs={}, intermediate_values={},
            trial_id=identifier,
        )  # fmt: skip

    storage: Any = study._storage
    if isinstance(storage, _CachedStorage):
        with storage._lock:
            kept = storage._studies.setdefault(study._study_id, _StudyInfo())
            if number not in kept.trials:  # by now another thread may have read more of it
                storage._add_trials_to_cache(study._study_id, [made()])
    database = database_of(study)
    if isinstance(database, PlainStorage):
        database.keep_new(made())
    return begun
