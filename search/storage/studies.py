"""The studies of a home folder (mlruns): Optuna's storage and the studies' MLflow records."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, suppress
from dataclasses import replace
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from typing import TypeVar

import optuna
from optuna.storages import BaseStorage
from optuna.trial import FrozenTrial

from search.config.home import require_password
from search.config.study import StudyConfig
from search.errors import SearchError
from search.storage.claims.waiting import Waiting
from search.storage.database import is_there, open_storage, storage_lock
from search.storage.known import listed, lost_studies
from search.storage.patience import Patience, patience_of
from search.storage.readable import Unreadable, require_readable
from search.storage.records import so_far, study_record
from search.storage.run_identifiers import RunIdentifiers
from search.storage.study_attributes import config_of, is_ours
from search.storage.trial_folders import folder_left_behind, kept_epochs
from tracking import (
    KILLED,
    RUNNING,
    EpochRecord,
    Maker,
    MlflowRecorder,
    Recorder,
    SpoolRecorder,
    Store,
    StudyRecord,
    TrackingError,
    fold_in_at_exit,
    sqlite_path,
    without_password,
)

_UNTOLD = (RUNNING, KILLED)
_Done = TypeVar("_Done")
_LOADER = Path(str(files("models").joinpath("serving.py")))


class Studies:
    """Finds the studies of a home folder in Optuna's storage, and each one's record in MLflow.

    Who is responsible for what: this class knows where a study and its record are; how a study is
    created is `search.study.opening`, what is stored with it `search.storage.study_attributes`.

    Order and threads: one of these serves one command. Making it reads and writes nothing. The
    first use opens Optuna's storage, once, and one recorder is made for each MLflow address. That
    first use is in one thread; after it the workers of a process may share the studies.

    Attributes:
        store: The home, and MLflow's address where a command names one.
        address: Optuna's address; None for `optuna.db` in the home folder.

    Example:
        With a `tracking.Store` as `store`:

        >>> studies = Studies(store)
        >>> studies.names()
        []
        >>> _ = optuna.create_study(storage=studies.storage, study_name="not ours")
        >>> studies.names(), studies.find("not ours")
        (['not ours'], None)
    """

    def __init__(
        self,
        store: Store,
        address: str | None = None,
        say: Callable[[str], None] = lambda text: None,
    ) -> None:
        """Keep the addresses of MLflow and Optuna; Optuna's storage is opened at its first use.

        Args:
            store: The home, and MLflow's address.
            address: Optuna's address; None for `optuna.db` in the home folder.
            say: Told that a database on a server is away, and that it is back.
        """
        self.store = store
        self.address = address
        self._say = say
        self._waiting = self._briefly = Waiting(lambda: False)
        self._recorders: dict[str, Recorder] = {}

    @cached_property
    def storage(self) -> BaseStorage:
        """Optuna's storage; it is created if it does not exist yet.

        Raises:
            SearchError: There can be none at that address.
        """
        storage = open_storage(self.store, self.address, self._waiting, self._say)
        fold_in_at_exit(sqlite_path(self.address or self.store.optuna_uri))
        self._heeded(patience_of(storage))
        return storage

    def lock(self, *, briefly: bool = False) -> AbstractContextManager[None]:
        """Make the storage's lock, for `with`; one thread of one process can hold it at a time.

        All processes that use the storage share it, on any machine and from any home.

        Do not take the lock twice: whoever holds it and waits for it again fails after two minutes
        with `StillHeld`, and a study that runs never goes on.

        Args:
            briefly: Whether a study that runs, too, waits for it for two minutes at most.
        """
        waiting = self._briefly if briefly else self._waiting
        return storage_lock(self.storage, self.store, is_over=waiting)

    def locked(self, call: Callable[[], _Done], *, briefly: bool = False) -> _Done:
        """Do something under the storage's lock; where its database is away, once it is back.

        What was begun when the database went away is done anew as a whole, since the lock was lost.

        Args:
            call: What to do; it may be done again after it was done in part.
            briefly: As of `lock`.
        """
        patience = patience_of(self.storage)

        def do() -> _Done:
            with patience.at_once(), self.lock(briefly=briefly):
                return call()

        return patience.through(do)

    def heed(
        self,
        say: Callable[[str], None],
        is_over: Callable[[], bool],
        is_late: Callable[[], bool] = lambda: False,
    ) -> None:
        """Let a study run with these studies, which waits for the database, and for the lock.

        Args:
            say: Told that it waits, and that it goes on.
            is_over: Whether someone asked to stop, so that nobody waits any more.
            is_late: Whether the time of this run is over: nobody waits for the lock then.
        """
        self._say, self._briefly = say, Waiting(is_over, say)
        self._waiting = Waiting(lambda: is_over() or is_late(), say, lasts=True)
        if "storage" in vars(self):  # it was opened before
            self._heeded(patience_of(self.storage))

    def _heeded(self, patience: Patience) -> None:
        patience.say, patience.is_over, patience.for_locks = self._say, self._briefly, self._waiting

    def names(self) -> list[str]:
        """Names of all studies, sorted; none where there is no storage yet."""
        self.store.require_folder()
        if not is_there(self.store, self.address):
            return []
        return sorted(optuna.get_all_study_names(self.storage))

    def all(self, damaged: list[Unreadable] | None = None) -> Iterator[optuna.Study]:
        """Load the studies that Trialbook made, in the order of their names.

        Args:
            damaged: Gets what is wrong with each that cannot be read, which is left out.
        """
        told = [] if damaged is None else damaged
        for name in self.names():
            try:
                if (study := self._load(name)) is not None:
                    yield study
            except Unreadable as error:
                told.append(error)

    def find(self, name: str) -> optuna.Study | None:
        """Load a study that Trialbook made, by its name; None if no study has the name."""
        return self._load(name) if name in self.names() else None

    def _load(self, name: str) -> optuna.Study | None:
        study = optuna.load_study(study_name=name, storage=self.storage)
        if not is_ours(study):
            return None
        require_readable(study)
        return study

    def get(self, name: str) -> optuna.Study:
        """Load a study by its name, and raise an error if no study has the name.

        Raises:
            SearchError: There is none of that name, or another program made it.
        """
        study = self.find(name)
        if study is not None:
            return study
        if self.address is not None and not is_there(self.store, self.address):
            raise SearchError(
                f"A study must exist, but got {name!r}, and there is no database at "
                f"{without_password(self.address)}. Correct the address of the storage."
            )
        known = listed([each.study_name for each in self.all()], name)
        if name in self.names():
            raise SearchError(
                f"A study must be Trialbook's own, but another program made {name!r} in "
                f"this storage. Ours: {known}"
            )
        lost = lost_studies(self.store, self.names(), name) if self.address is None else ""
        raise SearchError(f"A study must exist, but got {name!r}. Known: {known} {lost}".rstrip())

    def record(self, name: str) -> StudyRecord:
        """Read a study as a plain record; raises `SearchError` if no study has the name."""
        return study_record(self.get(name))

    def record_now(self, name: str) -> StudyRecord:
        """Read a study as it stands now: with queued trials and the epochs of running ones.

        The epochs of a trial whose end Optuna does not have yet, because it runs or its process is
        gone, are read from its folder, or else from MLflow if that can be reached.
        """
        study = self.get(name)
        config = config_of(study)
        record = study_record(study, config, queued=True)
        if not (open_ones := [t for t in record.trials if not t.epochs and t.state in _UNTOLD]):
            return record
        stored = study.get_trials(deepcopy=False)
        read = {t.number: self._left_behind(stored[t.number]) for t in open_ones}
        lacking = [t for t in open_ones if t.run_id and not read[t.number]]
        recorder = self._reached(config) if lacking else None
        if recorder is not None:
            read |= {t.number: recorder.curve(str(t.run_id)) for t in lacking}
        trials = (
            replace(t, epochs=read[t.number], metrics=so_far(config, read[t.number]))
            if read.get(t.number)
            else t
            for t in record.trials
        )
        return replace(record, trials=tuple(trials))

    def _left_behind(self, trial: FrozenTrial) -> tuple[EpochRecord, ...]:
        folder = folder_left_behind(trial, self.store.spool)
        return kept_epochs(folder) if folder is not None else ()

    def _reached(self, config: StudyConfig) -> Recorder | None:
        """The recorder of a study; None where MLflow cannot be asked now."""
        with suppress(TrackingError, SearchError):
            if (store := self.store_of(config)).exists() and not store.check():
                return self.recorder(config)
        return None

    @property
    def named_uri(self) -> str | None:
        """The MLflow address that a user named; None where none was named."""
        return self.store.tracking_uri if self.store.is_named else None

    def store_of(self, config: StudyConfig | None = None) -> Store:
        """The store that holds a study's record in MLflow.

        MLflow's address is the one that the command names, else the one in the study's settings,
        else that of the home folder.

        Args:
            config: The study; None for the command's address, or the home folder's.
        """
        if self.named_uri or config is None or config.tracking_uri is None:
            return self.store
        require_password(config)
        return Store(self.store.home, config.tracking_uri, is_stored=True)

    def address_of(self, config: StudyConfig | None = None) -> str:
        """The address of a study's record, to be shown: without its password."""
        stored = None if config is None else config.tracking_uri
        return without_password(self.named_uri or stored or self.store.tracking_uri)

    def recorder(self, config: StudyConfig | None = None) -> Recorder:
        """The recorder that writes a study's record; there is one for each MLflow address."""
        store = self.store_of(config)
        if store.tracking_uri not in self._recorders:
            self._recorders[store.tracking_uri] = MlflowRecorder(store, _LOADER)
        return self._recorders[store.tracking_uri]

    def identifiers(self, study: optuna.Study) -> RunIdentifiers:
        """What stores the identifiers of a study's runs, one process at a time."""
        lock = storage_lock
        return RunIdentifiers(study, lambda n: lock(self.storage, self.store, n, self._briefly))

    def spooled(
        self, config: StudyConfig, study: optuna.Study, maker: Maker | None = None
    ) -> SpoolRecorder:
        """Make a recorder that lets nobody wait for MLflow; the caller closes it.

        Args:
            config: The study's settings.
            study: The study, whose runs' identifiers are stored with it.
            maker: Makes models of weights, in the same thread.
        """
        inner, home, told = self.recorder(config), self.store.home, self.identifiers(study)
        return SpoolRecorder(inner, home, config.name, told, self.store_of(config).prepare, maker)
