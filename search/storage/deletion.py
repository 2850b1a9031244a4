"""Deletes a study from both stores, and says whether MLflow holds its record."""

from __future__ import annotations

import optuna
from optuna.trial import TrialState

from search.errors import SearchError
from search.storage.claims.leases import WINNER, leases_of
from search.storage.claims.owner import named
from search.storage.records import study_record
from search.storage.studies import Studies
from search.storage.study_attributes import chooser_of, config_of, run_of
from search.storage.trial_attributes import owner_of_trial
from tracking import Tag, discard_left, is_held


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
    if is_held(studies.store.spool, study.study_name):
        raise SearchError(
            "A study must be at rest to be deleted, but a process of this home works on "
            f"`{study.study_name}`. Stop it first."
        )
    config, run_id, left = config_of(study), run_of(study).get("parent_run_id"), 0
    if run_id and recorded(studies, study, in_bin=True):
        left = studies.recorder(config).delete_study(study_record(study, config, weighs=False))
    elif run_id and not lost_record:
        raise SearchError(
            f"A study is deleted with its record, but {study.study_name!r} has no run {run_id} in "
            f"{studies.address_of(config)}. Name the record's address with `--tracking-uri`. If it "
            "is lost, `--lost-record` deletes the study alone."
        )
    discard_left(studies.store.spool, study.study_name)
    optuna.delete_study(study_name=study.study_name, storage=studies.storage)
    return left


def _must_be_at_rest(study: optuna.Study) -> None:
    """Refuse to delete a study that a living process works on."""
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
