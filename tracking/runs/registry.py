"""A decided winner in MLflow: a run beside the trials, and a version in the model registry."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tracking.records import ModelFolder
from tracking.runs.batches import LoggedModel, log_final
from tracking.runs.context import StudyContext
from tracking.runs.models import log_model
from tracking.runs.payloads import NOTE_TAG
from tracking.runs.quiet import is_missing, quiet
from tracking.tags import Role, Tag

ALIAS = "winner"


def log_verdict(
    client: Any,
    context: StudyContext,
    study: str,
    *,
    folder: Path,
    metrics: Mapping[str, float],
    model: ModelFolder,
    loader: Path,
    card: str,
) -> tuple[str, str]:
    """Write a winner's run with its files and figures, and register its model.

    Args:
        client: The store's client.
        context: Where the study lives.
        study: Its name, which becomes the registered model's.
        folder: Files for the run.
        metrics: Figures by name.
        model: The model.
        loader: A file that defines `_load_pyfunc(path)`.
        card: Markdown, for the run and for the model's version.

    Returns:
        The run's identifier, and "NAME/VERSION". The alias `winner` points to that version.
    """
    quiet()
    from mlflow.exceptions import MlflowException

    tags = {
        Tag.ROLE.value: Role.WINNER.value,
        Tag.STUDY.value: study,
        NOTE_TAG: card,
        "mlflow.parentRunId": context.parent_run_id,
    }
    run = client.create_run(context.experiment_id, tags=tags, run_name=f"{study}: winner")
    run_id = str(run.info.run_id)
    try:
        client.log_artifacts(run_id, str(folder))
        model_id = log_model(
            client, experiment_id=context.experiment_id, run_id=run_id, model=model, loader=loader
        )
        log_final(client, run_id, metrics=metrics, tags={}, logged=[LoggedModel(model_id)])
        try:
            client.get_registered_model(study)
        except MlflowException as error:
            if not is_missing(error):
                raise
            client.create_registered_model(study, description=f"Winner of the study {study}.")
        version = client.create_model_version(
            study,
            # Not models:/ID, which MLflow would look up wherever the environment points.
            source=str(client.get_logged_model(model_id).artifact_location),
            run_id=run_id,
            description=card,
            model_id=model_id,
        )
        client.set_registered_model_alias(study, ALIAS, version.version)
    except BaseException:
        client.set_terminated(run_id, "FAILED")
        raise
    client.set_terminated(run_id, "FINISHED")
    return run_id, f"{study}/{version.version}"
