"""The studies of a store, for everything that looks at them afterwards."""

from __future__ import annotations

from dataclasses import replace

import optuna

from search.errors import SearchError
from search.storage.database import open_storage
from search.storage.records import config_of, study_record
from search.storage.trials import CONFIG
from search.trial.interruption import so_far
from tracking import KILLED, RUNNING, MlflowRecorder, Store, StudyRecord

_UNTOLD = (RUNNING, KILLED)


def study_names(store: Store, storage: str | None) -> list[str]:
    """Names of the store's studies, sorted; none where there is no storage yet."""
    store.require_folder()
    if storage is None and not store.optuna_db.exists():
        return []
    return sorted(optuna.get_all_study_names(open_storage(store, storage)))


def find_study(store: Store, storage: str | None, name: str) -> optuna.Study | None:
    """A stored study that Trialbook made, or None."""
    if name not in study_names(store, storage):
        return None
    study = optuna.load_study(study_name=name, storage=open_storage(store, storage))
    return study if CONFIG in study.user_attrs else None


def get_study(store: Store, storage: str | None, name: str) -> optuna.Study:
    """A stored study.

    Raises:
        SearchError: There is none of that name.
    """
    study = find_study(store, storage, name)
    if study is None:
        known = ", ".join(study_names(store, storage)) or "none"
        raise SearchError(f"A study must exist to be read, but got {name!r}. Known: {known}.")
    return study


def get_record(store: Store, storage: str | None, name: str) -> StudyRecord:
    """A stored study as a plain record."""
    study = get_study(store, storage, name)
    return study_record(study, config_of(study))


def get_record_now(store: Store, storage: str | None, name: str) -> StudyRecord:
    """A stored study as it stands this moment: queued trials too, and those under way.

    The epochs of a trial that has not been told to Optuna yet, because it runs or because its
    process is gone, are read from MLflow, where they are written while it trains.
    """
    study = get_study(store, storage, name)
    config = config_of(study)
    record = study_record(study, config, queued=True)
    open_ones = [t for t in record.trials if t.run_id and not t.epochs and t.state in _UNTOLD]
    if not open_ones:
        return record
    recorder = MlflowRecorder(Store(store.home, config.tracking_uri))
    if not recorder.store.exists():
        return record
    read = {t.number: recorder.curve(str(t.run_id)) for t in open_ones}
    trials = (
        replace(t, epochs=read[t.number], metrics=so_far(config, read[t.number]))
        if read.get(t.number)
        else t
        for t in record.trials
    )
    return replace(record, trials=tuple(trials))
