"""Few large writes instead of many small ones: each costs MLflow a transaction."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tracking.records import EpochRecord
from tracking.runs.payloads import clean_key, shorten
from tracking.runs.quiet import quiet

_SECONDS = "epoch_seconds"
_MAX_METRICS = 1000
_TAGGED = 900
"""Metrics beside tags: a batch has at most 1,000 of all."""
_MAX_TAGS = 100
_MAX_TAG = 8000


@dataclass(frozen=True, slots=True)
class LoggedModel:
    """A model of a run, and the name of the one figure that is its own; None for all of them."""

    model_id: str
    figure: str | None = None


def log_history(
    client: Any, run_id: str, records: Sequence[EpochRecord], *, started_ms: int
) -> None:
    """Write a curve, as `history_of` lays it out.

    Args:
        client: The store's client.
        run_id: The run.
        records: The epochs.
        started_ms: When the run started, in milliseconds.
    """
    _log_metrics(client, run_id, history_of(records, started_ms=started_ms))


def history_of(records: Sequence[EpochRecord], *, started_ms: int) -> list[Any]:
    """MLflow's metrics of a curve: every metric of every epoch, and `epoch_seconds`.

    Args:
        records: The epochs.
        started_ms: When the run started, in milliseconds. The timestamps count from there,
            so that the same epoch is the same row however often it is written.
    """
    quiet()
    from mlflow.entities import Metric

    metrics = []
    for record in records:
        stamp = started_ms + round(1000 * record.epoch * record.seconds)
        values = {**record.metrics, _SECONDS: record.seconds}
        for name, value in values.items():
            metrics.append(Metric(clean_key(name), float(value), stamp, record.epoch))
    return metrics


def _log_metrics(client: Any, run_id: str, metrics: Sequence[Any]) -> None:
    for start in range(0, len(metrics), _MAX_METRICS):
        client.log_batch(run_id, metrics=metrics[start : start + _MAX_METRICS])


def read_history(client: Any, run_id: str, names: Sequence[str]) -> tuple[EpochRecord, ...]:
    """The epochs that `log_history` wrote.

    Args:
        client: The store's client.
        run_id: The run.
        names: Of its metrics.

    Returns:
        The epochs, the first one first; figures that are no epoch's are left out.
    """
    epochs: dict[int, dict[str, float]] = {}
    for name in names:
        for metric in client.get_metric_history(run_id, name):
            if metric.step >= 1:
                epochs.setdefault(metric.step, {})[name] = metric.value
    return tuple(
        EpochRecord(epoch=number, seconds=values.pop(_SECONDS, 0.0), metrics=values)
        for number, values in sorted(epochs.items())
    )


def log_final(
    client: Any,
    run_id: str,
    *,
    metrics: Mapping[str, float],
    tags: Mapping[str, str],
    logged: Sequence[LoggedModel] = (),
    history: Sequence[Any] = (),
) -> None:
    """Write figures once, under their own names, with tags beside them.

    Args:
        client: The store's client.
        run_id: The run.
        metrics: By name; the run table shows them as they are.
        tags: By name.
        logged: Models of the run, so that MLflow's model list shows the figures that are theirs.
        history: Metrics of a curve, from `history_of`, that are written along.
    """
    quiet()
    from mlflow.entities import Metric, RunTag

    now = int(time.time() * 1000)
    rows = []
    for name, value in metrics.items():
        model_id = next((each.model_id for each in logged if each.figure in (None, name)), None)
        run = run_id if model_id else None
        rows.append(Metric(name, value, now, 0, model_id=model_id, run_id=run))
    labels = [RunTag(name, shorten(value, _MAX_TAG)) for name, value in tags.items()]
    rows = [*history, *rows]
    _log_metrics(client, run_id, rows[:-_TAGGED])
    client.log_batch(run_id, metrics=rows[-_TAGGED:], tags=labels[:_MAX_TAGS])
    for start in range(_MAX_TAGS, len(labels), _MAX_TAGS):
        client.log_batch(run_id, tags=labels[start : start + _MAX_TAGS])
