"""Reads a run from MLflow in plain types."""

from __future__ import annotations

from typing import Any

from tracking.records import RunRecord
from tracking.runs.context import StudyContext
from tracking.runs.payloads import metric_key, metric_name
from tracking.runs.quiet import can_name_run, is_missing, quiet
from tracking.runs.store import Store
from tracking.tags import Role, Tag

_PAGE = 1000


def read_run(client: Any, run_id: str) -> dict[str, Any] | None:
    """Read a run from MLflow as a dict of plain types.

    Args:
        client: The store's client.
        run_id: The run.

    Returns:
        `run_id`, `name`, `status`, `experiment_id`, `deleted`, `tags`, `params` and `metrics`,
        or None where there is no such run. One in MLflow's bin is `deleted`.
    """
    if not can_name_run(run_id):
        return None
    quiet()
    from mlflow.exceptions import MlflowException

    try:
        run = client.get_run(run_id)
    except MlflowException as error:
        if is_missing(error):
            return None
        raise
    info, data = run.info, run.data
    head = {"run_id": run_id, "name": info.run_name, "status": info.status}
    metrics = {metric_name(key): value for key, value in data.metrics.items()}
    body = {"tags": dict(data.tags), "params": dict(data.params), "metrics": metrics}
    deleted = info.lifecycle_stage == "deleted"
    return {**head, "experiment_id": info.experiment_id, "deleted": deleted, **body}


def is_open(client: Any, run_id: str | None) -> bool:
    """Whether a run exists and has not ended."""
    run = read_run(client, run_id) if run_id else None
    return run is not None and run["status"] in ("RUNNING", "SCHEDULED")


def find_study_run(store: Store, identity: str) -> str | None:
    """Find a study's own run by what tells it from all others, in any experiment and in the bin.

    Args:
        store: The store; nothing is made where it has no database.
        identity: The value of the run's tag `Tag.IDENTITY`.

    Returns:
        The run's identifier; None where there is no such run.

    Raises:
        TrackingError: MLflow cannot be reached.

    Example:
        >>> from pathlib import Path
        >>> find_study_run(Store(Path("no such home")), "0a1b2c3d4e5f6071") is None
        True
    """
    if not store.exists():
        return None
    store.prepare()  # refuses a server that is away, and a database of another program
    from mlflow.entities import ViewType

    client, token = store.client(), None
    while True:
        page = client.search_experiments(ViewType.ALL, max_results=_PAGE, page_token=token)
        found = client.search_runs(
            [experiment.experiment_id for experiment in page],
            f"tags.`{Tag.IDENTITY}` = '{identity}' and tags.`{Tag.ROLE}` = '{Role.STUDY}'",
            ViewType.ALL,
            max_results=1,
            order_by=["start_time ASC"],
        )
        token = page.token
        if found or not token:
            return str(found[0].info.run_id) if found else None


def find_trial(client: Any, context: StudyContext, number: int) -> str | None:
    """Find the run of a trial below its study's run; of several the oldest.

    Args:
        client: The store's client.
        context: The study.
        number: Number of the trial.

    Returns:
        The run's identifier; None where there is no such run, or only one in MLflow's bin.
    """
    below = f"tags.`mlflow.parentRunId` = '{context.parent_run_id}'"
    wanted = f"{below} and tags.`{Tag.NUMBER}` = '{number}'"
    found = client.search_runs(
        [context.experiment_id], wanted, max_results=1, order_by=["start_time ASC"]
    )
    return str(found[0].info.run_id) if found else None


def find_baseline(client: Any, context: StudyContext, objective: str) -> float | None:
    """Find the value of a study's baseline, once its run is finished; of several the oldest's.

    Args:
        client: The store's client.
        context: The study.
        objective: Name of the number that the study optimises.
    """
    below = f"tags.`mlflow.parentRunId` = '{context.parent_run_id}'"
    wanted = f"{below} and tags.`{Tag.BASELINE}` = 'true' and attributes.status = 'FINISHED'"
    found = client.search_runs(
        [context.experiment_id], wanted, max_results=1, order_by=["start_time ASC"]
    )
    value = found[0].data.metrics.get(metric_key(objective)) if found else None
    return None if value is None else float(value)


def list_trials(client: Any, context: StudyContext, objective: str) -> tuple[RunRecord, ...]:
    """List the runs below a study's run that are a trial's, the oldest first.

    Args:
        client: The store's client.
        context: The study.
        objective: Name of the number that the study optimises.
    """
    below = f"tags.`mlflow.parentRunId` = '{context.parent_run_id}'"
    found: list[RunRecord] = []
    token: str | None = None
    while True:
        page = client.search_runs(
            [context.experiment_id],
            below,
            max_results=_PAGE,
            order_by=["start_time ASC"],
            page_token=token,
        )
        found += [one for run in page if (one := _as_record(run, metric_key(objective)))]
        token = page.token
        if not token:
            return tuple(found)


def _as_record(run: Any, objective: str) -> RunRecord | None:
    number = run.data.tags.get(Tag.NUMBER, "")
    if not number.isdecimal():
        return None
    return RunRecord(
        run_id=str(run.info.run_id),
        number=int(number),
        status=str(run.info.status),
        state=run.data.tags.get(Tag.STATE, ""),
        value=run.data.metrics.get(objective),
        params=dict(run.data.params),
        # A run's data tell of each metric the last value alone; its entities tell the step as well.
        epochs=max((int(metric.step) for metric in run.data._metric_objs), default=0),
        has_model=bool(run.outputs and run.outputs.model_outputs),
        has_dataset=bool(run.inputs and run.inputs.dataset_inputs),
        metrics={metric_name(key): value for key, value in run.data.metrics.items()},
    )
