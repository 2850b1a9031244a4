"""Writes a study's view and description to its experiment."""

from __future__ import annotations

from typing import Any

from tracking.errors import TrackingError
from tracking.records import StudyRecord
from tracking.runs.context import StudyContext, find_context, stored_context
from tracking.runs.leaderboard import study_note
from tracking.runs.lookup import find_trial
from tracking.runs.payloads import NOTE_TAG
from tracking.runs.store import Store
from tracking.runs.view.published import find_published, write_published
from tracking.runs.view.state import CURVES_TAG, VIEW_TAG, curves_of, view_of
from tracking.states import RUNNING
from tracking.tags import Tag

_BEST = 10
_MAX_NOTE = 4900
"""MLflow refuses a tag of an experiment of more than 5,000 characters."""


def write_view(
    client: Any, context: StudyContext, record: StudyRecord, *, results: bool = False
) -> None:
    """Write what MLflow's pages show of a study first: its saved view and its description.

    An experiment that somebody else made under the study's name keeps its own description.

    Args:
        client: The store's client.
        context: The study's experiment and run.
        record: The study, as far as it is known.
        results: Whether the description says what came out.
    """
    experiment = client.get_experiment(context.experiment_id)
    is_over = results and all(trial.state != RUNNING for trial in record.trials)
    curves = curves_of(record, _best_runs(client, context, record), is_over=is_over)
    told = {VIEW_TAG: view_of(record, is_over=is_over), CURVES_TAG: curves}
    if experiment.tags.get(Tag.STUDY) == record.name:
        told[NOTE_TAG] = study_note(record, results=results, limit=_MAX_NOTE)
    for name, value in told.items():
        if experiment.tags.get(name) != value:
            _set_tag(client, context.experiment_id, name, value)


def _set_tag(client: Any, experiment_id: str, name: str, value: str) -> None:
    """Set a tag of an experiment; where another process sets it for the first time now, again."""
    from mlflow.exceptions import MlflowException

    try:
        client.set_experiment_tag(experiment_id, name, value)
    except MlflowException:  # MLflow's database had no such row when it looked
        client.set_experiment_tag(experiment_id, name, value)


def _best_runs(client: Any, context: StudyContext, record: StudyRecord) -> list[str]:
    """The runs of the ten best trials, of the baseline, and of the published trial, if any."""
    shown = [*record.ranked()[:_BEST], *filter(None, [record.baseline])]
    numbers = dict.fromkeys(trial.number for trial in shown)
    runs = [find_trial(client, context, number) for number in numbers]
    if record.published:
        runs.append(find_published(client, context))
    return [run for run in runs if run is not None]


def renew_view(store: Store, record: StudyRecord) -> str:
    """Write a study's view as it is now, also where an earlier version recorded the study.

    Args:
        store: Where its record is.
        record: The study.

    Returns:
        The identifier of its experiment.

    Raises:
        TrackingError: MLflow has no run of the study.

    Example:
        >>> from pathlib import Path
        >>> store = Store(Path("mlruns"))
        >>> renew_view(store, StudyRecord(name="never begun"))
        Traceback (most recent call last):
        tracking.errors.TrackingError: A study must have a record to be shown, but MLflow has ...
    """
    client = store.client()
    context = stored_context(client, record) or find_context(
        client, record.name, record.tags.get(Tag.IDENTITY)
    )
    if context is None:
        raise TrackingError(
            f"A study must have a record to be shown, but MLflow has none of {record.name!r}. "
            "`trialbook doctor --fix` writes it from Optuna's storage."
        )
    write_published(client, context, record)
    write_view(client, context, record, results=bool(record.trials))
    return context.experiment_id
