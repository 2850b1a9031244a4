"""The studies of a store, for everything that looks at them afterwards."""

from __future__ import annotations

import optuna

from search.errors import SearchError
from search.ledger import CONFIG
from search.results import config_of, study_record
from search.storage import open_storage
from tracking import Store, StudyRecord


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
