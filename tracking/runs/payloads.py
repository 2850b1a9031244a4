"""From records to what MLflow stores: names, tags, params. Pure, so it is tested without it."""

from __future__ import annotations

import getpass
import json
import re
from collections.abc import Mapping

from tracking.records import (
    COMPLETE,
    FAILED,
    KILLED,
    PRUNED,
    DatasetRecord,
    Scalar,
    StudyRecord,
    TrialRecord,
)
from tracking.tags import Role, Tag

NOTE_TAG = "mlflow.note.content"
DIGEST_LENGTH = 36

_MAX_PARAM = 6000
_MAX_TAG = 8000
_STATUS: dict[str, str] = {
    COMPLETE: "FINISHED",
    FAILED: "FAILED",
    PRUNED: "KILLED",
    KILLED: "KILLED",
}


def run_name(record: TrialRecord) -> str:
    """`movies-0007`, `movies-0007 (pruned)`, `baseline`: the end is in the name.

    MLflow knows FINISHED, FAILED and KILLED only, so the name says which of the two a KILLED
    run is, and it does so in every list, chart legend and comparison.
    """
    name = "baseline" if record.is_baseline else f"{record.study}-{record.number:04d}"
    return f"{name} ({record.state})" if record.state in (PRUNED, FAILED, KILLED) else name


def status_of(state: str) -> str:
    """MLflow's status for a state: only a complete trial is FINISHED."""
    return _STATUS.get(state, "RUNNING")


def clean_key(name: str) -> str:
    """A name that MLflow takes as the key of a param or metric."""
    return re.sub(r"[^\w\-. :/]", "_", name).strip("/ ")[:250] or "_"


def shorten(text: str, limit: int) -> str:
    """The text, its end replaced by dots where it is too long."""
    return text if len(text) <= limit else text[: limit - 4] + " ..."


def params_of(params: Mapping[str, Scalar]) -> dict[str, str]:
    """Params as text; the whole of a very long one is in the run's `config.json`."""
    return {clean_key(name): shorten(str(value), _MAX_PARAM) for name, value in params.items()}


def tags_of(tags: Mapping[str, str]) -> dict[str, str]:
    """Tags within MLflow's limits."""
    return {clean_key(name): shorten(str(value), _MAX_TAG) for name, value in tags.items()}


def source_tags(tags: Mapping[str, str]) -> dict[str, str]:
    """Who and what wrote a run, by the names that MLflow's pages look for."""
    found = {"mlflow.user": _user(), "mlflow.source.name": "trialbook"}
    found["mlflow.source.type"] = "LOCAL"
    commit = tags.get(Tag.COMMIT, "").split("-")[0]
    if commit:
        found["mlflow.source.git.commit"] = commit
    return found


def study_tags(record: StudyRecord) -> dict[str, str]:
    """All tags of a study's run but its description."""
    tags = source_tags(record.tags) | dict(record.tags)
    tags |= {Tag.STUDY: record.name, Tag.ROLE: Role.STUDY, Tag.OBJECTIVE: record.objective}
    if record.dataset is not None:
        tags[Tag.DATA_HASH] = record.dataset.content_hash
    return tags_of(tags)


def trial_tags(record: TrialRecord, *, parent_run_id: str) -> dict[str, str]:
    """All tags of a trial's run at its start."""
    tags = source_tags(record.tags) | {Tag.ROLE: Role.TRIAL} | dict(record.tags)
    tags |= {Tag.STUDY: record.study, Tag.NUMBER: str(record.number), Tag.STATE: record.state}
    return tags_of(tags | {"mlflow.parentRunId": parent_run_id})


def closing_tags(record: TrialRecord) -> dict[str, str]:
    """The tags that say how a trial ended."""
    tags = dict(record.tags) | {Tag.STATE: record.state, Tag.END_REASON: record.end_reason}
    if record.message:
        tags |= {Tag.MESSAGE: record.message, NOTE_TAG: record.message}
    return tags_of(tags)


def closing_metrics(record: TrialRecord) -> dict[str, float]:
    """The final figures of a trial, the objective under its own name among them."""
    metrics = {clean_key(name): float(value) for name, value in record.metrics.items()}
    if record.value is not None:
        metrics.setdefault(clean_key(record.objective), float(record.value))
    return metrics


def dataset_profile(dataset: DatasetRecord) -> str:
    """The dataset's counts, its whole hash among them, as JSON."""
    profile = dict(dataset.profile) | {"content_hash": dataset.content_hash}
    profile["synthetic"] = dataset.synthetic
    if dataset.checks:
        profile["checks"] = "; ".join(dataset.checks)
    return json.dumps(profile, default=str)


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):  # a container whose user has no name
        return "unknown"
