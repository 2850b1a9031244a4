"""Turns records into the names, tags, params and metrics of MLflow runs; imports no MLflow."""

from __future__ import annotations

import getpass
import hashlib
import json
import re
from collections.abc import Mapping

from tracking.records import DatasetRecord, Scalar, StudyRecord, TrialRecord
from tracking.states import COMPLETE, FAILED, KILLED, PRUNED, REFUSED
from tracking.tags import Role, Tag

NOTE_TAG = "mlflow.note.content"
COLOUR_TAG = "mlflow.runColor"
"""Of a run in the charts of MLflow's pages, which else choose one by its identifier."""
DIGEST_LENGTH = 36

_SECTIONS = {
    "time": re.compile(r"(epoch_)?seconds(_[a-z]+)?$"),
    "memory": re.compile(r"peak_memory_mb$"),
}
"""Sections of MLflow's charts, and the metrics that they have."""
_GREY = "#767676"
"""A baseline's colour, as in our own figures; MLflow gives no other run a grey."""
_MAX_PARAM = 6000
_MAX_TAG = 8000
_MAX_KEY = 250
_DOTS = re.compile(r"(?<![^/])\.{1,2}(?![^/])|^\.{2,}")
"""Parts of a key that lead elsewhere where it is a path."""
_STATUS: dict[str, str] = {
    COMPLETE: "FINISHED",
    FAILED: "FAILED",
    PRUNED: "KILLED",
    REFUSED: "KILLED",
    KILLED: "KILLED",
}


def status_of(state: str) -> str:
    """MLflow's run status for the state of a trial; only a complete trial is FINISHED."""
    return _STATUS.get(state, "RUNNING")


def clean_key(name: str) -> str:
    """Turn a name into a key that MLflow accepts for a param or a metric: `a(b)` into `a_b_`.

    MLflow takes a key for a path, and refuses one that leads elsewhere: `../a` becomes `__/a`. A
    name of more than 250 characters is cut, and ends in eight digits of its SHA-256.
    """
    clean = re.sub(r"[^\w\-. :/]|/(?=/)", "_", name).strip("/ ")
    if len(clean) > _MAX_KEY:
        clean = f"{clean[: _MAX_KEY - 9]}-{_digest(name)}"
    return _DOTS.sub(lambda found: "_" * len(found[0]), clean) or "_"


def metric_key(name: str) -> str:
    """Turn a metric's name into MLflow's key: what is book-keeping gets a section of its own.

    MLflow draws a chart of every metric, by sections: a key before a slash names one. So charts of
    learning stand alone.

    Example:
        >>> metric_key("val_rmse"), metric_key("seconds_train"), metric_key("peak_memory_mb")
        ('val_rmse', 'time/seconds_train', 'memory/peak_memory_mb')
    """
    key = clean_key(name)
    found = next((top for top, known in _SECTIONS.items() if known.match(key)), None)
    return key if found is None else f"{found}/{key}"


def metric_name(key: str) -> str:
    """The name of a metric that is stored under a key, in a run of this version or an earlier one.

    Example:
        >>> metric_name("time/seconds_train"), metric_name("seconds_train"), metric_name("time/out")
        ('seconds_train', 'seconds_train', 'time/out')
    """
    top, _, name = key.partition("/")
    return name if top in _SECTIONS and _SECTIONS[top].match(name) else key


def _encodable(text: str) -> str:
    """A text as UTF-8 can hold it: half a pair of UTF-16, which Python can, as its escape."""
    return text.encode("utf-8", "backslashreplace").decode()


def _digest(name: str) -> str:
    """Eight digits that tell a name from others."""
    return hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:8]


def shorten(text: str, limit: int) -> str:
    """Cut a text that is longer than `limit` characters, and end what remains with " ..."."""
    return text if len(text) <= limit else text[: limit - 4] + " ..."


def params_of(params: Mapping[str, Scalar]) -> dict[str, str]:
    """Turn params into texts, cut to 6,000 characters; `config.json` keeps the full values.

    Of names that MLflow's keys cannot tell apart, say `a(b)` and `a[b]`, all but the first in the
    alphabet get eight digits of the name's SHA-256.

    Example:
        >>> params_of({"rate": 0.5, "units[0]": 8})
        {'rate': '0.5', 'units_0_': '8'}
    """
    found: dict[str, str] = {}
    for name in sorted(params):
        key = clean_key(name)
        if key in found:
            key = f"{key[: _MAX_KEY - 9]}-{_digest(name)}"
        found[key] = shorten(_encodable(str(params[name])), _MAX_PARAM)
    return found


def tags_of(tags: Mapping[str, str]) -> dict[str, str]:
    """Turn tags into texts within MLflow's limits: at most 8,000 characters each."""
    return {
        clean_key(name): shorten(_encodable(str(value)), _MAX_TAG) for name, value in tags.items()
    }


def source_tags(tags: Mapping[str, str]) -> dict[str, str]:
    """Tags that MLflow's own pages show: the user, the source and the Git commit."""
    source = {"mlflow.user": _user(), "mlflow.source.name": "trialbook"}
    source["mlflow.source.type"] = "LOCAL"
    commit = tags.get(Tag.COMMIT, "").split("-")[0]
    if commit:
        source["mlflow.source.git.commit"] = commit
    return source


def study_tags(record: StudyRecord) -> dict[str, str]:
    """All tags of a study's run except its description."""
    tags = source_tags(record.tags) | dict(record.tags)
    tags |= {Tag.STUDY: record.name, Tag.ROLE: Role.STUDY, Tag.OBJECTIVE: record.objective}
    if record.dataset is not None:
        tags[Tag.DATA_HASH] = record.dataset.content_hash
    return tags_of(tags)


def trial_tags(record: TrialRecord, *, parent_run_id: str) -> dict[str, str]:
    """All tags of a trial's run when it starts."""
    tags = source_tags(record.tags) | {Tag.ROLE: Role.TRIAL} | dict(record.tags)
    tags |= {Tag.STUDY: record.study, Tag.NUMBER: str(record.number), Tag.STATE: record.state}
    if record.is_baseline:
        tags[COLOUR_TAG] = _GREY
    return tags_of(tags | {"mlflow.parentRunId": parent_run_id})


def closing_tags(record: TrialRecord) -> dict[str, str]:
    """The tags that say how a trial ended."""
    tags = dict(record.tags) | {Tag.STATE: record.state, Tag.END_REASON: record.end_reason}
    if record.message:
        tags |= {Tag.MESSAGE: record.message}
    return tags_of(tags)


def closing_metrics(record: TrialRecord) -> dict[str, float]:
    """The final metrics of a trial, to which the objective is added where it is missing."""
    metrics = {metric_key(name): float(value) for name, value in record.metrics.items()}
    if record.value is not None:
        metrics.setdefault(metric_key(record.objective), float(record.value))
    return metrics


def final_figures(record: TrialRecord) -> dict[str, float]:
    """The final metrics of a trial by the names under which its run gives them back.

    Example:
        >>> trial = TrialRecord(study="s", number=0, params={}, value=0.5, metrics={"n(a)": 3.0})
        >>> final_figures(trial)
        {'n_a_': 3.0, 'best_val_rmse': 0.5}
    """
    return {metric_name(key): value for key, value in closing_metrics(record).items()}


def figure_name(name: str) -> str:
    """The name under which a run gives a metric back.

    Example:
        >>> figure_name("val_rmse"), figure_name("n(users)")
        ('val_rmse', 'n_users_')
    """
    return metric_name(metric_key(name))


def dataset_profile(dataset: DatasetRecord) -> str:
    """Write a dataset's counts, options, full hash and check results as a JSON object."""
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
