"""Deletes a study for good, since MLflow's own deletion only hides what it deletes."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any

from tracking.addresses import local_folder, without_password
from tracking.errors import TrackingError
from tracking.records import StudyRecord
from tracking.runs.lookup import read_run
from tracking.runs.store import Store
from tracking.tags import Role, Tag

_MAX_IDS = 3000
_TIMEOUT_S = 600
_MLFLOWS_OWN = "0"
"""The experiment `Default`, which MLflow makes with its tables and never again."""
_ADDRESS = "TRIALBOOK_MLFLOW"
_GC = f"""
import os, sys
from mlflow.cli import cli
address = os.environ["{_ADDRESS}"]
cli([*sys.argv[1:], "--backend-store-uri", address, "--tracking-uri", address])
"""


def delete_study(store: Store, record: StudyRecord) -> int:
    """Delete a study's runs, models, files and registered winner for good, and nothing else.

    Everything is found by the identifiers that were stored with the study, never by its name. The
    experiment goes too, unless it holds runs, logged models or traces of somebody else. On a
    tracking server only the server's owner can remove things for good. There the experiment is
    renamed, which frees its name, and put into MLflow's bin.

    Args:
        store: The store.
        record: The study, with its `experiment_id` and `parent_run_id`.

    Returns:
        How many of the experiment's runs, and of its models and traces without such a run, are not
        the study's, and were left.

    Raises:
        TrackingError: If the study's run is not there, or MLflow refuses.
    """
    client = store.client()
    experiment = _experiment_of(client, store, record)
    if experiment.lifecycle_stage == "deleted":
        client.restore_experiment(experiment.experiment_id)
    runs = _all_runs(client, experiment.experiment_id)
    ours = {str(run.info.run_id): run for run in runs if _is_of(run, record)}
    models = _all_models(client, experiment.experiment_id)
    left = len(runs) - len(ours) + _without_run(client, experiment.experiment_id, runs, models)
    named = [str(model.model_id) for model in models if str(model.source_run_id) in ours]
    _unregister(client, [run_id for run_id, run in ours.items() if _is_winner(run)])
    if left or str(experiment.experiment_id) == _MLFLOWS_OWN:
        _delete_runs(client, store, record, ours, named)
    elif store.served:
        _put_into_bin(client, experiment)
    else:
        named = _hide_models(client, record, named)
        client.delete_experiment(experiment.experiment_id)
        whole = ["--experiment-ids", str(experiment.experiment_id)]
        _collect(store, whole, [str(record.parent_run_id)], named)
        _remove_files(store, experiment.artifact_location)
    return left


def _put_into_bin(client: Any, experiment: Any) -> None:
    """Free an experiment's name, and put it into MLflow's bin with all that it holds."""
    bin_name = f"{experiment.name} (deleted {time.time_ns()})"
    client.rename_experiment(experiment.experiment_id, bin_name)
    client.delete_experiment(experiment.experiment_id)


def _experiment_of(client: Any, store: Store, record: StudyRecord) -> Any:
    """The experiment with the study's own run; refuse where that run is not the study's.

    Small numbers name experiments in every database, so that another database has another study's
    under the same one. A run's identifier is the same nowhere else.
    """
    run = read_run(client, record.parent_run_id) if record.parent_run_id else None
    if run is None or run["tags"].get(Tag.STUDY) != record.name:
        raise TrackingError(
            f"Only a recorded study can be deleted, but {record.name!r} has no run "
            f"{record.parent_run_id} in {without_password(store.tracking_uri)}. Name the address "
            "of its record with `--tracking-uri`."
        )
    return client.get_experiment(run["experiment_id"])


def _all_runs(client: Any, experiment_id: str) -> list[Any]:
    """All runs of an experiment, those in MLflow's bin too."""
    from mlflow.entities import ViewType

    runs, token = [], None
    while True:
        page = client.search_runs([experiment_id], "", ViewType.ALL, page_token=token)
        runs += list(page)
        token = page.token
        if not token:
            return runs


def _all_models(client: Any, experiment_id: str) -> list[Any]:
    """All logged models of an experiment, but for those in MLflow's bin, which it does not list."""
    models, token = [], None
    while True:
        page = client.search_logged_models([experiment_id], page_token=token)
        models += list(page)
        token = page.token
        if not token:
            return models


def _without_run(
    client: Any, experiment_id: str, runs: Sequence[Any], models: Sequence[Any]
) -> int:
    """Count the models and traces of an experiment that none of its runs made.

    Trialbook's models have a run, and it writes no traces. Of these a page is counted: any matters.
    """
    known = {str(run.info.run_id) for run in runs}
    traces = client.search_traces([experiment_id], include_spans=False)
    ofs = [str(model.source_run_id) for model in models]
    ofs += [str((trace.info.trace_metadata or {}).get("mlflow.sourceRun")) for trace in traces]
    return sum(of not in known for of in ofs)


def _is_of(run: Any, record: StudyRecord) -> bool:
    """Whether a run is the study's own, or of one of its trials, or of its winner."""
    tags = run.data.tags
    below = tags.get("mlflow.parentRunId") == record.parent_run_id and Tag.ROLE in tags
    return run.info.run_id == record.parent_run_id or below


def _is_winner(run: Any) -> bool:
    return bool(run.data.tags.get(Tag.ROLE) == Role.WINNER)


def _unregister(client: Any, run_ids: Sequence[str]) -> None:
    """Delete the model versions that runs registered, and a model that has no other version."""
    for run_id in run_ids:
        for version in client.search_model_versions(f"run_id = '{run_id}'"):
            client.delete_model_version(version.name, version.version)
            # Not by a filter, which knows no escape for a name with both kinds of quotes.
            if not client.get_registered_model(version.name).latest_versions:
                client.delete_registered_model(version.name)


def _delete_runs(
    client: Any, store: Store, record: StudyRecord, ours: Mapping[str, Any], models: Sequence[str]
) -> None:
    """Delete the study's runs, models and files from an experiment that holds others' things."""
    hidden = _hide_models(client, record, models)
    for run_id, run in ours.items():
        if run.info.lifecycle_stage != "deleted":
            client.delete_run(run_id)
    if not store.served:
        for start in range(0, len(ours), _MAX_IDS):
            _collect(store, [], list(ours)[start : start + _MAX_IDS], hidden)


def _hide_models(client: Any, record: StudyRecord, models: Sequence[str]) -> list[str]:
    """Mark a study's models deleted.

    Returns:
        The models' identifiers, at least one: a command that names none would remove the deleted
        models of all experiments.
    """
    identifiers = list(models)
    if not identifiers:
        parent = client.get_run(str(record.parent_run_id))
        made = client.create_logged_model(
            parent.info.experiment_id, "to-be-deleted", source_run_id=parent.info.run_id
        )
        identifiers = [str(made.model_id)]
    for model_id in identifiers:
        client.delete_logged_model(model_id)
    return identifiers


def _collect(store: Store, named: list[str], runs: Sequence[str], models: list[str]) -> None:
    """Have MLflow remove what was marked deleted: the experiment that is named, runs and models.

    At least one run and one model is passed: a command that names none would remove the deleted
    ones of all experiments.
    """
    command = [sys.executable, "-c", _GC, "gc", *named, "--run-ids", ",".join(runs)]
    command += ["--logged-model-ids", ",".join(models[:_MAX_IDS])]
    # The address may hold a password, which everybody could read among a process's arguments.
    environment = {**os.environ, "MLFLOW_DISABLE_TELEMETRY": "true", _ADDRESS: store.tracking_uri}
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False
    )
    if done.returncode != 0:
        lines = done.stderr.strip().splitlines() or ["no message"]
        raise TrackingError(
            f"Deleting a study must end well, but MLflow says: {without_password(lines[-1])} "
            "Stop what still writes to the study, then delete it again."
        )


def _remove_files(store: Store, location: str) -> None:
    """Delete the experiment's folder, if it lies directly in the store's `artifacts`."""
    folder = local_folder(location)
    if folder is not None and folder.parent == store.artifacts and folder.name != "..":
        shutil.rmtree(folder, ignore_errors=True)
