"""Reads the trials of a study, as each of many workers does after every trial.

Like `internals`, this module uses Optuna's private members.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Container, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar, cast

from optuna import Study
from optuna.exceptions import StorageInternalError
from optuna.storages import RDBStorage
from optuna.storages._cached_storage import _CachedStorage
from optuna.storages._rdb.models import TrialModel
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy import Connection, Row
from sqlalchemy.exc import DBAPIError

from search.storage.reading.rows import parts_of, read_at_once, read_rows, trial_of

_NOTHING = object()
_Found = TypeVar("_Found")


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
        self._under_way: dict[int, tuple[tuple[Any, ...], FrozenTrial]] = {}
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
        with self._connected() as connection:
            found = read_rows(connection, TrialModel.trial_id == trial_id)
        if not found:
            raise KeyError("Record does not exist.")
        return trial_of(*found[0])

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
        after = trial_id_greater_than
        older = [number for number in included_trial_ids if number <= after]
        with self._connected() as connection:
            if connection.dialect.name == "postgresql":
                alone = connection.execution_options(isolation_level="AUTOCOMMIT")
                rows = read_at_once(alone, study_id, after, older)
                found = [self._as_kept(row) for row in rows]
            else:
                own, later = TrialModel.study_id == study_id, TrialModel.trial_id > after
                wanted = own & (later | TrialModel.trial_id.in_(older) if older else later)
                found = [trial_of(*each) for each in read_rows(connection, wanted)]
        if not found:
            self.get_study_name_from_id(study_id)
        return [trial for trial in found if states is None or trial.state in states]

    def _as_kept(self, row: Row[Any]) -> FrozenTrial:
        """The trial of a row; as long as it is under way and nothing changed, the same object."""
        read = tuple(row)
        known, trial = self._under_way.get(row.trial_id, (None, None))
        if trial is None or known != read:
            trial = trial_of(row, parts_of(row))
            self._under_way[row.trial_id] = read, trial
        if trial.state.is_finished():
            self._under_way.pop(row.trial_id, None)
        return trial

    @contextmanager
    def _connected(self) -> Iterator[Connection]:
        try:
            with self.engine.connect() as connection:
                yield connection
        except DBAPIError as error:
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
