"""A study's winner in MLflow: a run beside the trials, and a version in the model registry."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from tracking.records import ModelFolder
from tracking.runs.batches import Final, LoggedModel, log_final
from tracking.runs.context import StudyContext
from tracking.runs.models import log_model
from tracking.runs.payloads import NOTE_TAG
from tracking.runs.quiet import is_missing, quiet
from tracking.scratch import scratch_folder
from tracking.tags import Role, Tag

if TYPE_CHECKING:
    from tracking.report.chapter import Evidence

ALIAS = "winner"
EVIDENCE = "evidence.json"
"""The file of a winner's run that holds an `Evidence`, its fields by name."""


@dataclass(frozen=True, kw_only=True, slots=True)
class WinnerRun:
    """What `register_winner` writes into MLflow: the winner's files, metrics, model and text.

    Attributes:
        study: Name of the study, which becomes the registered model's name.
        folder: Files for the run; `EVIDENCE` among them is shown in the study's report.
        metrics: Values by metric name.
        model: The model to register; None for none.
        card: Markdown text that describes the run and the model's version.
    """

    study: str
    folder: Path
    metrics: Mapping[str, float]
    model: ModelFolder | None
    card: str


class Registered(NamedTuple):
    """The identifiers of a registered winner in MLflow: its run and its model's version.

    Attributes:
        run_id: The winner's run.
        version: The registered model's name and version, "NAME/VERSION"; None without a model.
    """

    run_id: str
    version: str | None


def register_winner(
    client: Any, context: StudyContext, winner: WinnerRun, *, loader: Path | None
) -> Registered:
    """Write a run with the winner's files and metrics, and register the winner's model.

    The alias `winner` then points to the new version. Where anything fails, the run ends as
    FAILED.

    Args:
        client: The store's client.
        context: The study's experiment and run.
        winner: What to write.
        loader: A file that defines `_load_pyfunc(path)`, for a model.

    Returns:
        The run, and the model's name and version.
    """
    tags = {
        Tag.ROLE.value: Role.WINNER.value,
        Tag.STUDY.value: winner.study,
        NOTE_TAG: winner.card,
        "mlflow.parentRunId": context.parent_run_id,
    }
    name, experiment = f"{winner.study}: winner", context.experiment_id
    run_id = str(client.create_run(experiment, tags=tags, run_name=name).info.run_id)
    try:
        client.log_artifacts(run_id, str(winner.folder))
        logged = []
        if winner.model is not None and loader is not None:
            model_id = log_model(
                client, experiment_id=experiment, run_id=run_id, model=winner.model, loader=loader
            )
            logged = [LoggedModel(model_id)]
        log_final(client, run_id, Final(metrics=winner.metrics, logged=logged))
        version = _add_version(client, winner, run_id, logged[0].model_id) if logged else None
    except BaseException:
        client.set_terminated(run_id, "FAILED")
        raise
    client.set_terminated(run_id, "FINISHED")
    return Registered(run_id, version)


def _add_version(client: Any, winner: WinnerRun, run_id: str, model_id: str) -> str:
    """Make a logged model the newest version of the study's registered model: "NAME/VERSION"."""
    _ensure_registered(client, winner.study)
    version = client.create_model_version(
        winner.study,
        # Not models:/ID, which MLflow would look up wherever the environment points.
        source=str(client.get_logged_model(model_id).artifact_location),
        run_id=run_id,
        description=winner.card,
        model_id=model_id,
    )
    client.set_registered_model_alias(winner.study, ALIAS, version.version)
    return f"{winner.study}/{version.version}"


def _ensure_registered(client: Any, study: str) -> None:
    quiet()
    from mlflow.exceptions import MlflowException

    try:
        client.get_registered_model(study)
    except MlflowException as error:
        if not is_missing(error):
            raise
        client.create_registered_model(study, description=f"Winner of the study {study}.")


def evidence_of(client: Any, context: StudyContext) -> Evidence | None:
    """Read what was found when a study's winner was chosen, last where that was more than once.

    Args:
        client: The store's client.
        context: The study's experiment and run.

    Returns:
        What its run holds, with the model that was registered; None where no winner was chosen.
    """
    role = f"tags.`{Tag.ROLE}` = '{Role.WINNER}' and attributes.status = 'FINISHED'"
    below = f"tags.`mlflow.parentRunId` = '{context.parent_run_id}'"
    found = client.search_runs(
        [context.experiment_id],
        f"{role} and {below}",
        max_results=1,
        order_by=["start_time DESC"],
    )
    if not found:
        return None
    run = found[0].info.run_id
    read = _read_evidence(client, run)
    versions = client.search_model_versions(f"run_id = '{run}'") if read else ()
    registered = [f"{each.name}/{each.version}" for each in versions]
    return replace(read, model=registered[0] if registered else None) if read else None


def _read_evidence(client: Any, run_id: str) -> Evidence | None:
    """The evidence among a run's files; None where there is none, as of earlier versions."""
    if EVIDENCE not in {each.path for each in client.list_artifacts(run_id)}:
        return None
    from pydantic import TypeAdapter, ValidationError

    from tracking.report.chapter import Evidence

    with scratch_folder("evidence") as folder:
        text = Path(client.download_artifacts(run_id, EVIDENCE, str(folder))).read_bytes()
    try:
        evidence: Evidence = TypeAdapter(Evidence).validate_json(text)
    except ValidationError:  # not as Trialbook wrote it
        return None
    return evidence
