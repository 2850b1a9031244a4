"""A storage that waits for its database where that is away for a while.

A server is started anew, or the network fails: what was asked for is asked again, after pauses that
grow, until the server is back or someone asks to stop.
"""

from __future__ import annotations

import contextlib
import functools
import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

import optuna
from optuna.exceptions import StorageInternalError, UpdateFinishedTrialError
from optuna.storages import RDBStorage
from optuna.trial import TrialState
from sqlalchemy.exc import DBAPIError, OperationalError, PendingRollbackError

from search.errors import SearchError
from search.storage.internals import database_of
from search.storage.reading.trials import PlainStorage
from search.storage.server.connections import engine_options

_FIRST_S = 0.2
_LONGEST_S = 10.0
_AWAY_S = 600.0
_STEP_S = 0.1
_AWAY = ("08", "57P", "53300")
"""How PostgreSQL's states begin where a connection fails, a server stops, or is full."""
_DONE = TypeVar("_DONE")


class StorageAway(SearchError):
    """The database of a storage is away, and nobody waits for it any longer.

    Its `exit_code` is that of a command: the standard one for a failure that may pass.

    Example:
        >>> try:
        ...     raise StorageAway("The database is away.")
        ... except SearchError as error:
        ...     print(error)
        The database is away.
    """

    exit_code = 75


class Patience:
    """Says how long to wait for a database, and tells the user so.

    Threads: any number of them wait at once.

    Attributes:
        say: Told once that the database is away, and once that it is back.
        is_over: Whether someone asked to stop, so that nobody waits any more.
        for_locks: The same for whoever waits for a lock of the storage.
        last_away: When the database was last found away, by the monotonic clock; 0 for never.

    Example:
        >>> lines, tries = [], []
        >>> patience = Patience(say=lines.append)
        >>> def read():
        ...     tries.append(1)
        ...     if len(tries) == 1:
        ...         raise DBAPIError("SELECT", None, Exception(), connection_invalidated=True)
        ...     return 5
        >>> patience.through(read)
        5
        >>> lines
        ['Waiting for the database, which is away.', 'The database is back.']
    """

    def __init__(
        self,
        say: Callable[[str], None] = lambda text: None,
        is_over: Callable[[], bool] = lambda: False,
        away_s: float = _AWAY_S,
    ) -> None:
        """Keep the arguments.

        Args:
            say: Tells the user a line.
            is_over: Whether nobody is to wait any more.
            away_s: The longest that a database may be away, in seconds.
        """
        self.say = say
        self.is_over = is_over
        self.for_locks = is_over
        self.last_away = 0.0
        self._most_s = away_s
        self._is_told = False
        self._lock = threading.Lock()
        self._here = threading.local()

    def through(self, call: Callable[[], _DONE]) -> _DONE:
        """Call a function again and again, until its database answers.

        Inside of `at_once` it is called once.

        Args:
            call: Reads or writes; it may be called again after a write that was made already.

        Raises:
            StorageAway: The database is away for longer than ten minutes, or someone asked to stop.
            Exception: What the call raises otherwise.
        """
        pause_s, began = _FIRST_S, time.monotonic()
        while True:
            try:
                result = call()
            except Exception as error:
                if not lost(error) or getattr(self._here, "at_once", False):
                    raise
                self.last_away = time.monotonic()
                self._refuse(time.monotonic() - began, error)
                self._tell(True, "Waiting for the database, which is away.")
                self._pause(pause_s)
                pause_s = min(2 * pause_s, _LONGEST_S)
            else:
                self._tell(False, "The database is back.")
                return result

    @contextlib.contextmanager
    def at_once(self) -> Iterator[None]:
        """In the block, this thread does not wait: what it does there is done anew as a whole."""
        before = getattr(self._here, "at_once", False)
        self._here.at_once = True
        try:
            yield
        finally:
            self._here.at_once = before

    def _refuse(self, seconds: float, error: Exception) -> None:
        """Give up where someone asked to stop, or after too long a time."""
        if self.is_over():
            raise StorageAway(
                "The study's database must answer for the study to be closed, but it is away. The "
                "same command goes on with the study once it is back."
            ) from error
        if seconds > self._most_s:
            raise StorageAway(
                f"A study's database may be away for {self._most_s / 60:.0f} minutes, but it has "
                "not answered for longer. Start it, and give the same command again: the study "
                "goes on."
            ) from error

    def _tell(self, is_away: bool, text: str) -> None:
        if self._is_told == is_away:
            return
        with self._lock:
            tells, self._is_told = self._is_told != is_away, is_away
        if tells:
            self.say(text)

    def _pause(self, seconds: float) -> None:
        latest = time.monotonic() + seconds
        while not self.is_over() and time.monotonic() < latest:
            time.sleep(_STEP_S)


class _Never(Patience):
    """Calls once: a database in a file is never away for a while."""

    def through(self, call: Callable[[], _DONE]) -> _DONE:
        return call()


def patience_of(storage: optuna.storages.BaseStorage | optuna.Study) -> Patience:
    """How long to wait for the database of a storage.

    Args:
        storage: Optuna's storage, or a study in it.
    """
    database = database_of(storage)
    return database.patience if isinstance(database, PatientStorage) else _Never()


def state_of(error: DBAPIError) -> str:
    """The five characters by which PostgreSQL says what went wrong; empty where it says nothing."""
    # psycopg has the first, psycopg2 the second.
    found = getattr(error.orig, "sqlstate", None) or getattr(error.orig, "pgcode", None)
    return str(found or "")


def lost(error: Exception) -> bool:
    """Whether an error means that a database on a server cannot be reached now.

    Args:
        error: Of SQLAlchemy, or Optuna's own that one of SQLAlchemy caused.
    """
    if isinstance(error, StorageInternalError) and isinstance(error.__cause__, Exception):
        error = error.__cause__
    if isinstance(error, PendingRollbackError):  # what Optuna asks a connection that just broke
        return True
    if not isinstance(error, DBAPIError):
        return False
    state = state_of(error)
    away = isinstance(error, OperationalError) and (not state or state.startswith(_AWAY))
    return error.connection_invalidated or away


class PatientStorage(PlainStorage):
    """Optuna's storage in a database on a server, which may be away for a while.

    Attributes:
        patience: How it waits. It waits only once the storage was opened.
    """

    def __init__(self, url: str, engine_kwargs: dict[str, Any]) -> None:
        """Connect to the database, and make Optuna's tables where there are none.

        Args:
            url: Its address, as Optuna takes it.
            engine_kwargs: As SQLAlchemy's `create_engine` takes them.
        """
        self.patience = Patience()
        # Their warnings tell of a statement that failed; the patience tells that in words.
        for name in (RDBStorage.__module__, "psycopg"):
            logging.getLogger(name).setLevel(logging.ERROR)
        with self.patience.at_once():
            super().__init__(url, engine_kwargs={**engine_options(url), **engine_kwargs})

    def set_trial_state_values(
        self, trial_id: int, state: TrialState, values: Sequence[float] | None = None
    ) -> bool:
        """Store a trial's end as Optuna does.

        Where the connection broke after the database had stored it, it is stored already.
        """
        tries = 0

        def store() -> bool:
            nonlocal tries
            tries += 1
            try:
                return super(PatientStorage, self).set_trial_state_values(trial_id, state, values)
            except UpdateFinishedTrialError:
                if tries == 1 or self.get_trial(trial_id).state != state:
                    raise
                return True

        return self.patience.through(store)


def _patient(name: str) -> Any:
    """A method of Optuna's storage that waits for the database."""
    method = getattr(PlainStorage, name)

    @functools.wraps(method)
    def call(self: PatientStorage, *args: Any, **kwargs: Any) -> Any:
        return self.patience.through(lambda: method(self, *args, **kwargs))

    return call


for _name in (
    "create_new_study",
    "delete_study",
    "set_study_user_attr",
    "set_study_system_attr",
    "get_study_id_from_name",
    "get_study_name_from_id",
    "get_study_directions",
    "get_study_user_attrs",
    "get_study_system_attrs",
    "get_all_studies",
    "_create_new_trial",
    "_set_trial_param",
    "get_trial_id_from_study_id_trial_number",
    "set_trial_intermediate_value",
    "set_trial_user_attr",
    "set_trial_system_attr",
    "get_trial",
    "_get_trials",
    "_get_best_trial_id",
):
    setattr(PatientStorage, _name, _patient(_name))
