"""The published trial as a run of its own, where a study has the ratings that it was trained on."""

from __future__ import annotations

from typing import Any

from tracking.records import StudyRecord
from tracking.runs.batches import Final, history_of, log_final
from tracking.runs.context import StudyContext
from tracking.runs.payloads import COLOUR_TAG, NOTE_TAG, metric_key
from tracking.tags import Role, Tag

NAME = "published baseline, MUBI"
_DARK = "#222222"
"""Its colour in charts, beside the grey of the baseline that was trained here."""
_NOTE = (
    "The learning curve that was published with the baseline, epoch by epoch. Nobody trained it "
    "here: trial 0 is the same configuration, trained on this machine."
)


def find_published(client: Any, context: StudyContext) -> str | None:
    """The run of the published trial in a study's experiment, or None where it has none."""
    role = f"tags.`{Tag.ROLE}` = '{Role.PUBLISHED}'"
    parent = f"tags.`mlflow.parentRunId` = '{context.parent_run_id}'"
    found = client.search_runs([context.experiment_id], f"{role} AND {parent}", max_results=1)
    return str(found[0].info.run_id) if found else None


def write_published(client: Any, context: StudyContext, record: StudyRecord) -> None:
    """Write the published trial's curve and value as a run, once in a study's experiment.

    Args:
        client: The store's client.
        context: The study's experiment and run.
        record: The study; one without `published` epochs gets none.
    """
    if not record.published or find_published(client, context) is not None:
        return
    values = [each.metrics[record.monitor] for each in record.published]
    value = min(values) if record.minimize else max(values)
    tags = {
        Tag.ROLE.value: Role.PUBLISHED.value,
        Tag.STUDY.value: record.name,
        NOTE_TAG: _NOTE,
        COLOUR_TAG: _DARK,
        "mlflow.parentRunId": context.parent_run_id,
    }
    run = client.create_run(context.experiment_id, tags=tags, run_name=NAME)
    history = history_of(record.published, started_ms=run.info.start_time)
    best = float(record.published[values.index(value)].epoch)
    metrics = {metric_key(record.objective): value, metric_key("best_epoch"): best}
    log_final(client, run.info.run_id, Final(metrics=metrics), history)
    client.set_terminated(run.info.run_id, "FINISHED")
