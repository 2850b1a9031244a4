"""Reads the trials of a study in six plain statements.

Optuna's own reading makes an object of each row, which takes several times as long; and each of
many workers reads all that run after every trial. Like `internals`, this module uses Optuna's
private members.
"""

from __future__ import annotations

import json
import threading
from collections import defaultdict
from collections.abc import Callable, Container, Iterable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, TypeVar, cast

from optuna import Study
from optuna.distributions import BaseDistribution, json_to_distribution
from optuna.exceptions import StorageInternalError
from optuna.storages import RDBStorage
from optuna.storages._cached_storage import _CachedStorage
from optuna.storages._rdb.models import (
    TrialIntermediateValueModel,
    TrialModel,
    TrialParamModel,
    TrialSystemAttributeModel,
    TrialUserAttributeModel,
    TrialValueModel,
)
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy import ColumnElement, Connection, Row, select
from sqlalchemy.exc import OperationalError

_NAMED = 500
"""Up to how many trials are named one by one where their rows are asked for."""

_PARTS: dict[str, tuple[Any, ...]] = {
    "params": (TrialParamModel, "param_name", "param_value", "distribution_json"),
    "users": (TrialUserAttributeModel, "key", "value_json"),
    "systems": (TrialSystemAttributeModel, "key", "value_json"),
    "values": (TrialValueModel, "objective", "value", "value_type"),
    "steps": (
        TrialIntermediateValueModel, "step", "intermediate_value", "intermediate_value_type",
    ),
}  # fmt: skip
"""The tables of what belongs to a trial, and which of their columns are read."""
_NOTHING = object()
_Found = TypeVar("_Found")
_Rows = Mapping[int, list[Row[Any]]]


class SharedReading:
    """Lets threads that want the same read at the same time read once, together.

    A thread gets what was read after it asked: it waits for a reading that is under way, and then
    for the next one, which one of those that wait does for all.

    Attributes:
        latest: What was read last; None before.

    Example:
        >>> SharedReading().get(lambda: [1, 2])
        [1, 2]
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._is_reading = False
        self._begun = self._done = 0
        self.latest: Any = None

    def get(self, read: Callable[[], _Found]) -> _Found:
        """Read, or wait for another thread that does.

        Args:
            read: Reads; the same for all who call this.

        Raises:
            Exception: What reading raises, in the thread that does it; another then reads.
        """
        with self._changed:
            wanted = self._begun + 1
            while self._is_reading and self._done < wanted:
                self._changed.wait()
            if self._done >= wanted:
                return cast("_Found", self.latest)
            self._is_reading = True
            self._begun = number = self._begun + 1
        found: Any = _NOTHING
        try:
            found = read()
        finally:
            with self._changed:
                self._is_reading = False
                if found is not _NOTHING:
                    self.latest, self._done = found, number
                self._changed.notify_all()
        return cast("_Found", found)


class PlainStorage(RDBStorage):
    """Optuna's storage in a database, which reads trials without an object for each row.

    Attributes:
        shared: For threads that read the same study at the same time, by its identifier.

    Example:
        >>> from optuna import create_study
        >>> study = create_study(storage=PlainStorage("sqlite:///:memory:"))
        >>> study.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=2)
        >>> [list(trial.params) for trial in study.trials]
        [['x'], ['x']]
    """

    def __init__(self, *given: Any, **options: Any) -> None:
        """Open the database as Optuna does, with its arguments."""
        self._new: dict[int, FrozenTrial] = {}
        self.shared: dict[int, SharedReading] = defaultdict(SharedReading)
        super().__init__(*given, **options)

    def keep_new(self, trial: FrozenTrial) -> None:
        """Keep a trial that this process has just created for who reads it first."""
        self._new[trial._trial_id] = trial

    def take_new(self, trial_id: int) -> FrozenTrial | None:
        """A trial that this process has just created, once; None where it is none."""
        return self._new.pop(trial_id, None)

    def get_trial(self, trial_id: int) -> FrozenTrial:
        """Read a trial.

        Raises:
            KeyError: There is none of that identifier.
        """
        found = self._read(TrialModel.trial_id == trial_id)
        if not found:
            raise KeyError("Record does not exist.")
        return found[0]

    def _get_trials(
        self,
        study_id: int,
        states: Container[TrialState] | None,
        included_trial_ids: set[int],
        trial_id_greater_than: int,
    ) -> list[FrozenTrial]:
        """Read a study's trials with an identifier above a bound, and some others.

        Raises:
            StorageInternalError: The database does not answer, or is damaged, as with Optuna.
            KeyError: There is no such study.
        """
        older = [number for number in included_trial_ids if number <= trial_id_greater_than]
        own = TrialModel.study_id == study_id
        later = TrialModel.trial_id > trial_id_greater_than
        wanted = own & (later | TrialModel.trial_id.in_(older) if older else later)
        if states is not None:
            assert isinstance(states, Iterable)
            wanted &= TrialModel.state.in_(list(states))
        return self._read(wanted) or self._none_of(study_id)

    def _none_of(self, study_id: int) -> list[FrozenTrial]:
        """No trial, of a study that is there."""
        self.get_study_name_from_id(study_id)
        return []

    def _read(self, wanted: ColumnElement[bool]) -> list[FrozenTrial]:
        try:
            with self.engine.connect() as connection:
                return _read(connection, wanted)
        except OperationalError as error:
            raise StorageInternalError(f"The database could not be read: {error.orig}.") from error


def identifier_of(trial: FrozenTrial) -> int:
    """A trial's identifier in its database, where later trials of a study have greater ones."""
    return trial._trial_id


def read_on(study: Study, ended: list[FrozenTrial]) -> tuple[int, list[FrozenTrial]]:
    """Read a study whose first trials are known; only what is not known is gone through.

    Optuna orders all trials at each reading, by a function of its own that it calls for each.

    Args:
        study: The study; of a view of one all that it shows is read anew.
        ended: Its first trials, as far as all of them had ended; those that follow are added.

    Returns:
        How many have ended, and those after them in the order of their numbers.
    """
    storage, identifier = study._storage, study._study_id
    if not (isinstance(study, Study) and isinstance(storage, _CachedStorage)):
        return 0, study.get_trials(deepcopy=False)
    storage._read_trials_from_remote_storage(identifier)
    with storage._lock:
        by_number = storage._studies[identifier].trials
        while (number := len(ended)) in by_number and by_number[number].state.is_finished():
            ended.append(by_number[number])
        later: list[FrozenTrial] = []
        while len(ended) + len(later) < len(by_number):
            if number in by_number:
                later.append(by_number[number])
            number += 1
        return len(ended), later


def _read(connection: Connection, wanted: ColumnElement[bool]) -> list[FrozenTrial]:
    """Read the trials that meet a condition, in the order in which they were created."""
    table = TrialModel.__table__.c
    columns = (
        table.trial_id, table.number, table.state, table.datetime_start, table.datetime_complete,
    )  # fmt: skip
    rows = connection.execute(select(*columns).where(wanted).order_by(table.trial_id)).all()
    if not rows:
        return []
    named = [row.trial_id for row in rows]
    those = named if len(named) <= _NAMED else select(table.trial_id).where(wanted)
    parts = {name: _part(connection, those, *columns) for name, columns in _PARTS.items()}
    return [
        _trial(row, {name: part.get(row.trial_id, []) for name, part in parts.items()})
        for row in rows
    ]


def _part(connection: Connection, those: Any, model: Any, *names: str) -> _Rows:
    """The rows of a table by their trial, in the order in which they were written."""
    table = model.__table__
    chosen = select(table.c.trial_id, *(table.c[name] for name in names))
    first = next(iter(table.primary_key))
    found: dict[int, list[Row[Any]]] = defaultdict(list)
    for row in connection.execute(chosen.where(table.c.trial_id.in_(those)).order_by(first)):
        found[row.trial_id].append(row)
    return found


def _trial(row: Any, parts: Mapping[str, list[Row[Any]]]) -> FrozenTrial:
    """Make a trial of its rows."""
    spaces = {each.param_name: _distribution(each.distribution_json) for each in parts["params"]}
    return FrozenTrial(
        number=row.number,
        state=row.state,
        value=None,
        values=_values(parts["values"]),
        datetime_start=_here(row.datetime_start),
        datetime_complete=_here(row.datetime_complete),
        params={
            each.param_name: spaces[each.param_name].to_external_repr(each.param_value)
            for each in parts["params"]
        },
        distributions=spaces,
        user_attrs=_attributes(parts["users"]),
        system_attrs=_attributes(parts["systems"]),
        intermediate_values={
            each.step: TrialIntermediateValueModel.stored_repr_to_intermediate_value(
                each.intermediate_value, each.intermediate_value_type
            )
            for each in parts["steps"]
        },
        trial_id=row.trial_id,
    )


def _values(rows: list[Row[Any]]) -> list[float] | None:
    if not rows:
        return None
    ordered = sorted(rows, key=lambda row: int(row.objective))
    return [TrialValueModel.stored_repr_to_value(row.value, row.value_type) for row in ordered]


def _attributes(rows: list[Row[Any]]) -> dict[str, Any]:
    return {row.key: json.loads(row.value_json) for row in rows}


@lru_cache(maxsize=4096)
def _distribution(text: str) -> BaseDistribution:
    """A parameter's distribution; trials share it, and nobody changes it."""
    return json_to_distribution(text)


def _here(moment: datetime | None) -> datetime | None:
    """A time that is stored in UTC, as this machine tells it."""
    if moment is None:
        return None
    return moment.replace(tzinfo=UTC).astimezone().replace(tzinfo=None)
