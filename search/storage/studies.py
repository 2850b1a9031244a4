"""The studies of a home folder (mlruns): Optuna's storage and the studies' MLflow records."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from difflib import get_close_matches
from functools import cached_property
from importlib.resources import files
from pathlib import Path

import optuna
from filelock import FileLock
from optuna.storages import BaseStorage
from optuna.trial import TrialState

from search.config.study import StudyConfig
from search.errors import SearchError
from search.storage.database import home_lock, open_storage
from search.storage.owner import lives, named
from search.storage.records import so_far, study_record
from search.storage.study_attributes import (
    chooser_of,
    config_of,
    is_ours,
    run_of,
)
from search.storage.trial_attributes import owner_of_trial
from tracking import (
    KILLED,
    RUNNING,
    MlflowRecorder,
    Recorder,
    Store,
    StudyRecord,
    Tag,
    without_password,
)

_UNTOLD = (RUNNING, KILLED)
_MOST_LISTED = 10
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

    def __init__(self, store: Store, address: str | None = None) -> None:
        """Keep the addresses of MLflow and Optuna; Optuna's storage is opened at its first use.

        Args:
            store: The home, and MLflow's address.
            address: Optuna's address; None for `optuna.db` in the home folder.
        """
        self.store = store
        self.address = address
        self._recorders: dict[str, Recorder] = {}

    @cached_property
    def storage(self) -> BaseStorage:
        """Optuna's storage; it is created if it does not exist yet.

        Raises:
            SearchError: There can be none at that address.
        """
        return open_storage(self.store, self.address)

    def lock(self) -> FileLock:
        """Make the home folder's lock, for `with`; one thread of one process can hold it at a time.

        Do not take the lock twice: whoever holds it and waits for it again fails after 120 seconds
        with `filelock.Timeout`.
        """
        _ = self.storage  # is opened under the same lock, so that must have been before
        return home_lock(self.store)

    def names(self) -> list[str]:
        """Names of all studies, sorted; none where there is no storage yet."""
        self.store.require_folder()
        if self.address is None and not self.store.optuna_db.exists():
            return []
        return sorted(optuna.get_all_study_names(self.storage))

    def all(self) -> Iterator[optuna.Study]:
        """Load the studies that Trialbook made, in the order of their names."""
        for name in self.names():
            study = self._load(name)
            if study is not None:
                yield study

    def find(self, name: str) -> optuna.Study | None:
        """Load a study that Trialbook made, by its name; None if no study has the name."""
        return self._load(name) if name in self.names() else None

    def _load(self, name: str) -> optuna.Study | None:
        study = optuna.load_study(study_name=name, storage=self.storage)
        return study if is_ours(study) else None

    def get(self, name: str) -> optuna.Study:
        """Load a study by its name, and raise an error if no study has the name.

        Raises:
            SearchError: There is none of that name, or another program made it.
        """
        study = self.find(name)
        if study is not None:
            return study
        known = _listed([each.study_name for each in self.all()], name)
        if name in self.names():
            raise SearchError(
                f"A study must be Trialbook's own to be read, but another program made {name!r} in "
                f"this storage. Ours: {known}"
            )
        raise SearchError(f"A study must exist to be read, but got {name!r}. Known: {known}")

    def record(self, name: str) -> StudyRecord:
        """Read a study as a plain record; raises `SearchError` if no study has the name."""
        return study_record(self.get(name))

    def record_now(self, name: str) -> StudyRecord:
        """Read a study as it stands now: with queued trials and the epochs of running ones.

        The epochs of a trial whose end Optuna does not have yet, because it runs or because its
        process is gone, are read from MLflow, where they are written while it trains.
        """
        study = self.get(name)
        config = config_of(study)
        record = study_record(study, config, queued=True)
        open_ones = [t for t in record.trials if t.run_id and not t.epochs and t.state in _UNTOLD]
        if not open_ones or not self.store_of(config).exists():
            return record
        recorder = self.recorder(config)
        read = {t.number: recorder.curve(str(t.run_id)) for t in open_ones}
        trials = (
            replace(t, epochs=read[t.number], metrics=so_far(config, read[t.number]))
            if read.get(t.number)
            else t
            for t in record.trials
        )
        return replace(record, trials=tuple(trials))

    @property
    def named_uri(self) -> str | None:
        """The MLflow address that a user named; None if it is Trialbook's home folder (mlruns)."""
        uri = self.store.tracking_uri
        return None if uri == Store(self.store.home).tracking_uri else uri

    def store_of(self, config: StudyConfig | None = None) -> Store:
        """The store that holds a study's record in MLflow.

        MLflow's address is the one that the command names, else the one in the study's settings,
        else that of the home folder.

        Args:
            config: The study; None for the command's address, or the home folder's.
        """
        if self.named_uri or config is None or config.tracking_uri is None:
            return self.store
        return Store(self.store.home, config.tracking_uri)

    def address_of(self, config: StudyConfig | None = None) -> str:
        """The address of a study's record, to be shown: without its password."""
        return without_password(self.store_of(config).tracking_uri)

    def recorder(self, config: StudyConfig | None = None) -> Recorder:
        """The recorder that writes a study's record; there is one for each MLflow address."""
        store = self.store_of(config)
        if store.tracking_uri not in self._recorders:
            self._recorders[store.tracking_uri] = MlflowRecorder(store, _LOADER)
        return self._recorders[store.tracking_uri]


def _listed(names: Sequence[str], wanted: str) -> str:
    """List studies with a full stop: of many those whose names are near a wanted one, or the first.

    Args:
        names: The studies, sorted.
        wanted: The name that no study has.
    """
    if len(names) <= _MOST_LISTED:
        return f"{', '.join(names) or 'none'}."
    shown = get_close_matches(wanted, names, 5) or names[:_MOST_LISTED]
    return f"{', '.join(shown)} and {len(names) - len(shown):,} more: see `trialbook studies`."


def recorded(studies: Studies, study: optuna.Study, *, in_bin: bool = False) -> bool:
    """Whether MLflow holds the study's own run, or the study never had one; makes no database.

    Args:
        studies: The studies of the home.
        study: One of them.
        in_bin: Whether a run in MLflow's bin counts.

    Raises:
        TrackingError: MLflow cannot be reached at the study's address.
    """
    config, run_id = config_of(study), run_of(study).get("parent_run_id")
    if not studies.store_of(config).exists():
        return False
    studies.store_of(config).prepare()  # refuses a database of another program
    run = studies.recorder(config).find_run(str(run_id)) if run_id else None
    if run is None or run["tags"].get(Tag.STUDY) != study.study_name:
        return not run_id
    return in_bin or not run["deleted"]


def delete_study(studies: Studies, study: optuna.Study, *, lost_record: bool = False) -> int:
    """Delete a study's runs and models, then the study itself.

    Args:
        studies: The studies of the home.
        study: One of them.
        lost_record: Whether to delete the study from Optuna's storage alone, if MLflow does not
            hold its record.

    Returns:
        How many runs, models and traces in its experiment in MLflow are not the study's, and were
        left.

    Raises:
        SearchError: A living process works on it; or its record is not where its settings or the
            command say.
    """
    _must_be_at_rest(study)
    config, run_id, left = config_of(study), run_of(study).get("parent_run_id"), 0
    if run_id and recorded(studies, study, in_bin=True):
        left = studies.recorder(config).delete_study(study_record(study, config))
    elif run_id and not lost_record:
        raise SearchError(
            f"A study is deleted with its record, but {study.study_name!r} has no run {run_id} in "
            f"{studies.address_of(config)}. Name the record's address with `--tracking-uri`. If it "
            "is lost, `--lost-record` deletes the study alone."
        )
    optuna.delete_study(study_name=study.study_name, storage=studies.storage)
    return left


def _must_be_at_rest(study: optuna.Study) -> None:
    """Refuse to delete a study that a living process works on."""
    for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        owner = owner_of_trial(trial)
        if owner is not None and lives(owner):
            raise SearchError(
                f"A study must be at rest to be deleted, but {named(owner)} runs trial "
                f"{trial.number} of `{study.study_name}`. Stop it first."
            )
    chooser = chooser_of(study)
    if chooser and lives(chooser):
        raise SearchError(
            f"A study must be at rest to be deleted, but {named(chooser)} chooses the winner of "
            f"`{study.study_name}`. Stop it first."
        )
