"""Writes metrics and tags to a run in few large batches: each batch costs MLflow a transaction."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tracking.records import EpochRecord
from tracking.runs.payloads import metric_key, metric_name, shorten
from tracking.runs.quiet import quiet

_SECONDS = "epoch_seconds"
_MAX_METRICS = 1000
_TAGGED = 900
"""Metrics of a batch with tags in it: a batch holds at most 1,000 metrics and tags together."""
_MAX_TAGS = 100
_MAX_TAG = 8000


@dataclass(frozen=True, slots=True)
class LoggedModel:
    """A model that was logged with a run.

    Attributes:
        model_id: Its identifier.
        figure: Name of the one metric of the run that belongs to this model; None where all
            metrics do.
    """

    model_id: str
    figure: str | None = None


def log_history(
    client: Any, run_id: str, records: Sequence[EpochRecord], *, started_ms: int
) -> None:
    """Write the metrics of some epochs to a run.

    Args:
        client: The store's client.
        run_id: The run.
        records: The epochs.
        started_ms: When the run started, in milliseconds since 1970.
    """
    _log_metrics(client, run_id, history_of(records, started_ms=started_ms))


def history_of(records: Sequence[EpochRecord], *, started_ms: int) -> list[Any]:
    """Turn epochs into MLflow's metrics: every metric of every epoch, and `epoch_seconds`.

    The timestamp of an epoch is the start of the run plus the epoch's number times its seconds:
    epoch 2 of 0.5 s has 1,000 ms after the start. So the same epoch is the same row in MLflow,
    however often it is written.

    Args:
        records: The epochs.
        started_ms: When the run started, in milliseconds since 1970.

    Returns:
        MLflow's `Metric`s, each with its epoch as the step.
    """
    quiet()
    from mlflow.entities import Metric

    metrics = []
    for record in records:
        stamp = started_ms + round(1000 * record.epoch * record.seconds)
        values = {**record.metrics, _SECONDS: record.seconds}
        for name, value in values.items():
            metrics.append(Metric(metric_key(name), float(value), stamp, record.epoch))
    return metrics


def _log_metrics(client: Any, run_id: str, metrics: Sequence[Any]) -> None:
    for start in range(0, len(metrics), _MAX_METRICS):
        client.log_batch(run_id, metrics=metrics[start : start + _MAX_METRICS])


def read_history(client: Any, run_id: str) -> tuple[EpochRecord, ...]:
    """Read back the epochs that `log_history` wrote, also one of an earlier version.

    Args:
        client: The store's client.
        run_id: The run.

    Returns:
        The epochs, the first one first. Metrics of the whole run, at step 0, are left out.
    """
    epochs: dict[int, dict[str, float]] = {}
    for key in client.get_run(run_id).data.metrics:
        for metric in client.get_metric_history(run_id, key):
            if metric.step >= 1:
                epochs.setdefault(metric.step, {})[metric_name(key)] = metric.value
    return tuple(
        EpochRecord(epoch=number, seconds=values.pop(_SECONDS, 0.0), metrics=values)
        for number, values in sorted(epochs.items())
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Final:
    """What is written to a run at its end.

    Attributes:
        metrics: By name; the run table shows them as they are.
        tags: By name.
        logged: Models of the run. MLflow's list of models shows a metric with the first model
            that the metric belongs to.
        at_ms: When the run ended, in milliseconds since 1970; None for now.
    """

    metrics: Mapping[str, float]
    tags: Mapping[str, str] = field(default_factory=dict)
    logged: Sequence[LoggedModel] = ()
    at_ms: int | None = None


def log_final(client: Any, run_id: str, final: Final, history: Sequence[Any] = ()) -> None:
    """Write the final metrics of a run, together with tags.

    Args:
        client: The store's client.
        run_id: The run.
        final: What to write.
        history: Metrics of epochs, from `history_of`, to write in the same batch.
    """
    quiet()
    from mlflow.entities import Metric, RunTag

    now = final.at_ms or int(time.time() * 1000)
    rows = []
    for name, value in final.metrics.items():
        fits = (each.model_id for each in final.logged if each.figure in (None, name))
        model_id = next(fits, None)
        run = run_id if model_id else None
        rows.append(Metric(name, value, now, 0, model_id=model_id, run_id=run))
    labels = [RunTag(name, shorten(value, _MAX_TAG)) for name, value in final.tags.items()]
    rows = [*history, *rows]
    _log_metrics(client, run_id, rows[:-_TAGGED])
    client.log_batch(run_id, metrics=rows[-_TAGGED:], tags=labels[:_MAX_TAGS])
    for start in range(_MAX_TAGS, len(labels), _MAX_TAGS):
        client.log_batch(run_id, tags=labels[start : start + _MAX_TAGS])
