"""Writes a study's view and description to its experiment."""

from __future__ import annotations

from typing import Any

from tracking.records import StudyRecord
from tracking.runs.context import StudyContext
from tracking.runs.leaderboard import study_note
from tracking.runs.lookup import find_trial
from tracking.runs.payloads import NOTE_TAG
from tracking.runs.view.state import VIEW_TAG, view_of
from tracking.tags import Tag

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
    base = record.baseline
    known = None if base is None else find_trial(client, context, base.number)
    view = view_of(record, parent=context.parent_run_id, baseline=known)
    experiment = client.get_experiment(context.experiment_id)
    told = {VIEW_TAG: view}
    if experiment.tags.get(Tag.STUDY) == record.name:
        told[NOTE_TAG] = study_note(record, results=results, limit=_MAX_NOTE)
    for name, value in told.items():
        if experiment.tags.get(name) != value:
            client.set_experiment_tag(context.experiment_id, name, value)
