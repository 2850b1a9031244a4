"""Deletes a study from both stores, and says whether MLflow holds its record."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import optuna
from optuna.trial import TrialState

from search.errors import SearchError
from search.storage.claims.leases import WINNER, leases_of
from search.storage.claims.owner import named
from search.storage.records import study_record
from search.storage.studies import Studies
from search.storage.study_attributes import chooser_of, config_of, identity_of, run_of
from search.storage.trial_attributes import owner_of_trial
from tracking import Tag, TrackingError, discard_left, find_study_run, is_held


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

    It holds the storage's lock, under which every process begins to work on a study: one that
    begins meanwhile waits, and then finds no study of that name.

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
        StorageAway: Another process holds the lock.
        TrackingError: MLflow cannot be asked for the record.
    """
    name = study.study_name
    left: list[int] = []

    def delete() -> None:
        if left and name not in studies.names():  # deleted, though the answer was lost
            return
        stored = studies.get(name)  # by now another process may have deleted it
        _must_be_at_rest(stored, studies.store.spool)
        if not left:
            left.append(_delete_record(studies, stored, lost_record=lost_record))
        discard_left(studies.store.spool, name)
        optuna.delete_study(study_name=name, storage=studies.storage)

    studies.locked(delete)
    return left[0]


def _delete_record(studies: Studies, study: optuna.Study, *, lost_record: bool) -> int:
    """Delete a study's runs and models; return how many others stood among them."""
    config, run_id = config_of(study), run_of(study).get("parent_run_id")
    if not run_id and not lost_record:
        run_id = _untold_run(studies, study)
    elif run_id and not recorded(studies, study, in_bin=True):
        if lost_record:
            return 0
        raise SearchError(
            f"A study is deleted with its record, but {study.study_name!r} has no run {run_id} in "
            f"{studies.address_of(config)}. Name the record's address with `--tracking-uri`. If it "
            "is lost, `--lost-record` deletes the study alone."
        )
    if not run_id:
        return 0
    record = replace(study_record(study, config, weighs=False), parent_run_id=str(run_id))
    return studies.recorder(config).delete_study(record)


def _untold_run(studies: Studies, study: optuna.Study) -> str | None:
    """Find the run of a study that was begun in MLflow, of which Optuna's storage was not told.

    Its process ended, or MLflow went away, before the run's identifier was stored.
    """
    identity = identity_of(study)
    if identity is None:  # of an earlier version, which stored the identifier at once
        return None
    try:
        return find_study_run(studies.store_of(config_of(study)), identity)
    except TrackingError as error:
        raise TrackingError(
            f"{error} A study is deleted with its record, which must be looked for there. If there "
            "is none, `--lost-record` deletes the study alone."
        ) from error


def _must_be_at_rest(study: optuna.Study, spool: Path) -> None:
    """Refuse to delete a study that a living process works on, be it on its record in the spool."""
    if is_held(spool, study.study_name):
        raise SearchError(
            "A study must be at rest to be deleted, but a process of this home works on "
            f"`{study.study_name}`. Stop it first."
        )
    leases = leases_of(study)
    for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        owner = owner_of_trial(trial)
        if owner is not None and leases.lives(owner):
            raise SearchError(
                f"A study must be at rest to be deleted, but {named(owner)} runs trial "
                f"{trial.number} of `{study.study_name}`. Stop it first."
            )
    for row in leases.living(study.study_name):
        if row.task != WINNER:
            raise SearchError(
                f"A study must be at rest to be deleted, but {named(row.owner)} works on "
                f"`{study.study_name}`. Stop it first."
            )
    chooser = chooser_of(study)
    if chooser and leases.lives(chooser):
        raise SearchError(
            f"A study must be at rest to be deleted, but {named(chooser)} chooses the winner of "
            f"`{study.study_name}`. Stop it first."
        )
