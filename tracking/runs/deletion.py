"""Deletes a study for good, since MLflow's own deletion only hides what it deletes."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from typing import Any

from tracking.errors import TrackingError
from tracking.runs.addresses import local_folder
from tracking.runs.context import find_experiment
from tracking.runs.store import Store

_MAX_IDS = 3000
_TIMEOUT_S = 600


def delete_study(store: Store, study: str) -> None:
    """Delete a study's runs, models, files, experiment and registered winner for good.

    On a tracking server only the server's owner can remove things for good. There the
    experiment is renamed, which frees its name, and put into MLflow's bin.

    Args:
        store: The store.
        study: The study's name, or its experiment's identifier.

    Raises:
        TrackingError: If there is no such study, or MLflow refuses.
    """
    client = store.client()
    experiment = find_experiment(client, study)
    if experiment is None:
        raise TrackingError(_unknown(client, study))
    if experiment.lifecycle_stage == "deleted":
        client.restore_experiment(experiment.experiment_id)
    _unregister(client, experiment)
    if store.served:
        bin_name = f"{experiment.name} (deleted {time.time_ns()})"
        client.rename_experiment(experiment.experiment_id, bin_name)
        client.delete_experiment(experiment.experiment_id)
        return
    run_id = _any_run(client, experiment.experiment_id)
    models = _hide_models(client, experiment.experiment_id)
    client.delete_experiment(experiment.experiment_id)
    _collect(store, experiment.experiment_id, run_id, models[:_MAX_IDS])
    _remove_files(store, experiment.artifact_location)


def _unknown(client: Any, study: str) -> str:
    names = sorted(each.name for each in client.search_experiments() if each.name != "Default")
    known = f"Known are: {', '.join(names[:10])}." if names else "None is recorded yet."
    return f"Only a recorded study can be deleted, but {study!r} is not one. {known}"


def _unregister(client: Any, experiment: Any) -> None:
    """Delete the study's model versions from the registry; keep versions with files elsewhere."""
    versions = client.search_model_versions(f"name = {experiment.name!r}")
    if not versions:
        return
    location = str(experiment.artifact_location).rstrip("/") + "/"
    ours = [each for each in versions if str(each.source).startswith(location)]
    if len(ours) == len(versions):
        client.delete_registered_model(experiment.name)
        return
    for each in ours:
        client.delete_model_version(each.name, each.version)


def _any_run(client: Any, experiment_id: str) -> str:
    """Find or make one run of the experiment, to be passed to the command `mlflow gc`.

    A command that names no run would remove the deleted runs of all experiments.
    """
    runs = client.search_runs([experiment_id], max_results=1)
    run = runs[0] if runs else client.create_run(experiment_id, run_name="to be deleted")
    return str(run.info.run_id)


def _hide_models(client: Any, experiment_id: str) -> list[str]:
    """Mark all models of the experiment deleted.

    Returns:
        The models' identifiers, at least one, for the same reason as in `_any_run`.
    """
    identifiers, token = [], None
    while True:
        page = client.search_logged_models([experiment_id], page_token=token)
        identifiers += [str(model.model_id) for model in page]
        token = page.token
        if not token:
            break
    if not identifiers:
        identifiers = [str(client.create_logged_model(experiment_id, "to-be-deleted").model_id)]
    for model_id in identifiers:
        client.delete_logged_model(model_id)
    return identifiers


def _collect(store: Store, experiment_id: str, run_id: str, models: list[str]) -> None:
    command = [sys.executable, "-m", "mlflow", "gc", "--experiment-ids", experiment_id]
    command += ["--run-ids", run_id, "--logged-model-ids", ",".join(models)]
    command += ["--backend-store-uri", store.tracking_uri, "--tracking-uri", store.tracking_uri]
    environment = {**os.environ, "MLFLOW_DISABLE_TELEMETRY": "true"}
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False
    )
    if done.returncode != 0:
        lines = done.stderr.strip().splitlines() or ["no message"]
        raise TrackingError(
            f"Deleting experiment {experiment_id} must end well, but MLflow says: {lines[-1]} "
            "Stop what still writes to the study, then delete it again."
        )


def _remove_files(store: Store, location: str) -> None:
    """Delete the experiment's folder, if it lies directly in the store's `artifacts`."""
    folder = local_folder(location)
    if folder is not None and folder.parent == store.artifacts:
        shutil.rmtree(folder, ignore_errors=True)
