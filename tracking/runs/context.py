"""Finds or makes what a study has in MLflow: its experiment, its run and its dataset."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, replace
from typing import Any

from tracking.records import DatasetRecord, StudyRecord
from tracking.runs.leaderboard import study_note
from tracking.runs.payloads import (
    DIGEST_LENGTH,
    NOTE_TAG,
    dataset_profile,
    shorten,
    study_tags,
)
from tracking.runs.quiet import is_missing, quiet
from tracking.runs.store import Store
from tracking.tags import Role, Tag

_MAX_NAME = 500
_ENDS_LIKE_OURS = re.compile(r"-[0-9a-f]{8}")


@dataclass(frozen=True)
class StudyContext:
    """A study's experiment, run and datasets in MLflow; each trial's run refers to them.

    Attributes:
        experiment_id: The study's experiment.
        parent_run_id: The study's own run, the parent of its trials' runs.
        datasets: MLflow's `DatasetInput`s that the trials share; empty for a user's own data.
    """

    experiment_id: str
    parent_run_id: str
    datasets: tuple[Any, ...] = ()


def find_context(client: Any, study: str, identity: str | None = None) -> StudyContext | None:
    """Find the experiment and the run of a study, even if another process started the study.

    Args:
        client: The store's client.
        study: The study's name.
        identity: What tells it from a former study of that name; None for any.

    Returns:
        The context, or None where the study was never started.
    """
    experiment = client.get_experiment_by_name(study)
    parent = None if experiment is None else _find_parent(client, experiment, study, identity)
    if experiment is None or parent is None:
        return None
    datasets = parent.inputs.dataset_inputs if parent.inputs else ()
    return StudyContext(experiment.experiment_id, parent.info.run_id, tuple(datasets))


def stored_context(
    client: Any, record: StudyRecord, *, binned: bool = False
) -> StudyContext | None:
    """Read the experiment and the run whose identifiers were stored with a study.

    Args:
        client: The store's client.
        record: The study.
        binned: Whether a run that is in MLflow's bin counts.

    Returns:
        The context, or None where nothing was stored, or the run is gone or does not count.
    """
    from mlflow.exceptions import MlflowException

    if not record.parent_run_id:
        return None
    try:
        run = client.get_run(record.parent_run_id)
        experiment = client.get_experiment(run.info.experiment_id)
    except MlflowException as error:
        if is_missing(error):
            return None
        raise
    is_binned = "deleted" in (run.info.lifecycle_stage, experiment.lifecycle_stage)
    if (is_binned and not binned) or run.data.tags.get(Tag.STUDY) != record.name:
        return None
    datasets = run.inputs.dataset_inputs if run.inputs else ()
    return StudyContext(str(run.info.experiment_id), str(run.info.run_id), tuple(datasets))


def ensure_context(client: Any, store: Store, record: StudyRecord) -> StudyContext:
    """Find or make a study's experiment and run, and set the run to RUNNING.

    They are looked for by the identifiers that were stored with the study, then by its name.

    Args:
        client: The store's client.
        store: The store.
        record: The study.

    Returns:
        The study's context. Processes that ask at the same time get the same run.
    """
    from filelock import FileLock

    with FileLock(str(store.home / "tracking.lock")):
        context = stored_context(client, record) or _restored(client, record)
        if context is None:
            experiment_id = _ensure_experiment(client, store, record.name)
            context = find_context(client, record.name, record.tags.get(Tag.IDENTITY))
        if context is None:
            return _make_parent(client, experiment_id, record)
    _reopen(client, context.parent_run_id, record)
    if record.dataset is not None and not context.datasets:  # it was cut short when it was made
        return _with_dataset(client, context, record.dataset)
    return context


def _restored(client: Any, record: StudyRecord) -> StudyContext | None:
    """Take a study's own run, which was put into MLflow's bin, out of it: it is wanted again."""
    context = stored_context(client, record, binned=True)
    if context is None:
        return None
    if client.get_experiment(context.experiment_id).lifecycle_stage == "deleted":
        client.restore_experiment(context.experiment_id)
    if client.get_run(context.parent_run_id).info.lifecycle_stage == "deleted":
        client.restore_run(context.parent_run_id)
    return context


def dataset_input(dataset: DatasetRecord) -> Any:
    """Describe the ratings as an input of a run, MLflow's `DatasetInput`.

    Its digest is the start of our own hash, since MLflow's covers the first 10,000 rows only.
    """
    quiet()
    from mlflow.entities import Dataset, DatasetInput, InputTag

    source = "synthetic" if dataset.synthetic else "local"
    entity = Dataset(
        name=shorten(dataset.name, _MAX_NAME),
        digest=dataset.content_hash[:DIGEST_LENGTH],
        source_type=source,
        source=json.dumps({"name": dataset.name}),
        profile=dataset_profile(dataset),
    )
    return DatasetInput(entity, [InputTag("mlflow.data.context", "training and validation")])


def artifact_folder(study: str) -> str:
    """Make a folder name from a study's name, a different one for every study.

    "movies" stays as it is. "a b" becomes "a_b-" and eight digits of the name's SHA-256. So does
    "0", since MLflow's own experiment has that folder; "Movies", which on some disks is the folder
    "movies"; and what ends like such a folder itself.
    """
    clean = re.sub(r"[^A-Za-z0-9._-]+", "_", study)[:80].strip(".") or "study"
    is_number = clean.isdecimal()  # MLflow names its own folders by numbers
    is_ours_alone = clean == study == study.lower() and not _ENDS_LIKE_OURS.search(clean[-9:])
    if is_ours_alone and not is_number:
        return clean
    return f"{clean}-{hashlib.sha256(study.encode()).hexdigest()[:8]}"


def _ensure_experiment(client: Any, store: Store, study: str) -> str:
    experiment = client.get_experiment_by_name(study)
    if experiment is None:
        place = None if store.served else (store.artifacts / artifact_folder(study)).as_uri()
        tags = {Tag.STUDY.value: study, "mlflow.experimentKind": "custom_model_development"}
        return str(client.create_experiment(study, place, tags))
    if experiment.lifecycle_stage == "deleted":  # put into the bin in MLflow's pages; wanted again
        client.restore_experiment(experiment.experiment_id)
    return str(experiment.experiment_id)


def _find_parent(client: Any, experiment: Any, study: str, identity: str | None) -> Any | None:
    ours = f"tags.`{Tag.ROLE}` = '{Role.STUDY}'"
    runs = client.search_runs([experiment.experiment_id], ours, order_by=["start_time ASC"])
    named = (run for run in runs if run.data.tags.get(Tag.STUDY) == study)
    if identity is not None:  # runs of an earlier version have none
        named = (run for run in named if run.data.tags.get(Tag.IDENTITY) in (None, identity))
    return next(named, None)


def _make_parent(client: Any, experiment_id: str, record: StudyRecord) -> StudyContext:
    tags = study_tags(record) | {NOTE_TAG: study_note(record)}
    run = client.create_run(experiment_id, tags=tags, run_name=record.name)
    context = StudyContext(experiment_id, run.info.run_id)
    return context if record.dataset is None else _with_dataset(client, context, record.dataset)


def _with_dataset(client: Any, context: StudyContext, dataset: DatasetRecord) -> StudyContext:
    """Give a study's run its ratings as an input."""
    datasets = (dataset_input(dataset),)
    client.log_inputs(context.parent_run_id, list(datasets))
    return replace(context, datasets=datasets)


def _reopen(client: Any, run_id: str, record: StudyRecord) -> None:
    from mlflow.entities import RunTag

    tags = study_tags(record) | {NOTE_TAG: study_note(record)}
    client.log_batch(run_id, tags=[RunTag(name, value) for name, value in tags.items()])
    client.update_run(run_id, status="RUNNING")
