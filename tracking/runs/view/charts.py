"""The charts of a study's saved view, in the terms of MLflow's pages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from tracking.figures.data import best_curves, curve, curve_limits
from tracking.records import StudyRecord, TrialRecord
from tracking.runs.payloads import clean_key, metric_key

SECTION = "trialbook"
_USUAL = ("family", "optimizer", "learning_rate", "batch_size", "l2_embedding", "embedding_size")
_BARS = 20
_ALL = 100
_LINES = 8
_COLUMNS, _AXES = 2, 4
"""Charts side by side, and the axes of parallel coordinates.

With more of either, MLflow's pages write one axis' name over the next on a screen of 1,280 pixels.
"""
_MOST, _TINY = 0.9, 0.01
_LETTERS = 7
"""So many letters of a tick have room at the left of parallel coordinates."""
_BEST = 10

Chart = dict[str, Any]


def charts_of(record: StudyRecord, *, is_over: bool = False) -> list[Chart]:
    """The charts: curves, parallel coordinates, bars of the objective, scatters.

    Curves are of the monitored metric by epoch. Parallel coordinates are of the parameters that
    differ and that nearly all trials have, in the order of `StudyRecord.varied`, and of the goals:
    four together, so that three parameters stand beside one objective. Scatters are of the first
    two against the objective. Of a study without a trial they show the usual parameters of our own
    models, and no others.

    Args:
        record: The study, as far as it is known.
        is_over: Whether no more trials come. The curves then have the range of the report's;
            before, a better trial could lie outside.
    """
    objective = metric_key(record.objective)
    names = worthwhile(record)
    first = [clean_key(name) for name in names[:2]]
    goals = [metric_key(name) for name in (record.goals or (record.objective,))]
    shown = sorted(_common(record, names)[: max(_AXES - len(goals), 1)], key=partial(_cut, record))
    parallel = _parallel([clean_key(name) for name in shown], goals)
    charts = [_curves(record) | (_range(record) if is_over else {}), parallel, _bars(objective)]
    charts += [_scatter(name, objective, "PARAM") for name in first]
    charts += [_scatter(goal, objective, "METRIC") for goal in goals[1:]]
    for number, chart in enumerate(charts, start=1):
        fixed = {"uuid": f"{SECTION}-{number}", "metricSectionId": SECTION}
        chart |= fixed | {"deleted": False, "isGenerated": False}
    return charts


def sections() -> list[dict[str, Any]]:
    """The sections of charts: ours, and closed ones of what is book-keeping."""
    known = {SECTION: "Trialbook", "trialbook-time": "time", "trialbook-memory": "memory"}
    return [
        {"uuid": uuid, "name": name, "display": uuid == SECTION}
        | {"isReordered": True, "deleted": False, "isGenerated": uuid != SECTION}
        | ({"columns": _COLUMNS} if uuid == SECTION else {})
        for uuid, name in known.items()
    ]


def worthwhile(record: StudyRecord) -> tuple[str, ...]:
    """Names of the parameters that are worth a chart, in the order of `StudyRecord.varied`.

    Args:
        record: The study; before its first trial those that our own models usually vary.
    """
    if not record.trials:
        return _USUAL if record.dataset is not None else ()
    done = record.ranked() or record.trials
    return record.varied(done)[:_LINES] or tuple(done[0].params)[:_LINES]


def _common(record: StudyRecord, names: Sequence[str]) -> list[str]:
    """Those of some parameters that most trials have: MLflow draws no line for a trial without."""
    tried = [trial for trial in record.trials if not trial.is_baseline] or list(record.trials)
    least = _MOST * len(tried)
    found = [name for name in names if sum(name in t.params for t in tried) >= least]
    return found or list(names)


def _cut(record: StudyRecord, name: str) -> int:
    """How many letters of a parameter's ticks MLflow would cut on the first axis; 0 for none.

    The long ones are names of choices and very small numbers, such as 0.00004.
    """
    tried = [trial.params.get(name) for trial in record.trials]
    letters = max((len(value) for value in tried if isinstance(value, str)), default=0)
    numbers = [abs(value) for value in tried if isinstance(value, float)]
    if numbers and max(numbers) < _TINY:
        letters = max(letters, _LETTERS + 1)
    return max(letters - _LETTERS, 0)


def monitored(record: StudyRecord) -> tuple[str, ...]:
    """Names of the metric that is monitored by epoch; with folds there is one a fold."""
    names = _names_of_epochs(record.trials)
    folds = [name for name in names if name.endswith(f"/{record.monitor}")]
    return (record.monitor,) if record.monitor in names or not folds else tuple(folds)


def _names_of_epochs(trials: Iterable[TrialRecord]) -> list[str]:
    found: Mapping[str, None] = dict.fromkeys(
        name for trial in trials for epoch in trial.epochs for name in epoch.metrics
    )
    return list(found)


def _curves(record: StudyRecord) -> Chart:
    keys = [metric_key(name) for name in monitored(record)]
    return {
        "type": "LINE",
        "displayName": f"{clean_key(record.monitor)} by epoch",
        "metricKey": keys[0],
        "selectedMetricKeys": keys,
        "selectedYAxisMetricKey": keys[0],
        "yAxisKey": "metric",
        "yAxisExpressions": [],
        "xAxisKey": "step",
        "selectedXAxisMetricKey": "",
        "xAxisScaleType": "linear",
        "scaleType": "linear",
        "lineSmoothness": 0,
        "displayPoints": None,
        "useGlobalLineSmoothing": True,
        "useGlobalXaxisKey": True,
        "runsCountToCompare": _BARS,
    }


def _range(record: StudyRecord) -> Chart:
    """The vertical range of the curves of the best trials, the baseline and the published trial.

    Without it a trial that learnt nothing would press the others together.
    """
    shown = [*best_curves(record, at_most=_BEST)]
    if record.published:
        told = TrialRecord(study=record.name, number=0, params={}, epochs=record.published)
        found = curve(told, monitor=record.monitor, minimize=record.minimize)
        shown.append(replace(found, is_baseline=True))
    validation = [replace(each, train=()) for each in shown]
    limits = curve_limits(validation, minimize=record.minimize)
    if limits is None:
        return {}
    low, high = (float(f"{end:.6g}") for end in limits)
    return {"range": {"yMin": low, "yMax": high}}


def _parallel(params: list[str], metrics: list[str]) -> Chart:
    return {
        "type": "PARALLEL",
        "displayName": "Parameters and what they gave",
        "selectedParams": params,
        "selectedMetrics": metrics,
        "showAllRuns": True,
        "runsCountToCompare": _ALL,
    }


def _bars(objective: str) -> Chart:
    return {
        "type": "BAR",
        "displayName": objective,
        "metricKey": objective,
        "dataAccessKey": objective,
        "runsCountToCompare": _BARS,
    }


def _scatter(name: str, objective: str, kind: str) -> Chart:
    return {
        "type": "SCATTER",
        "displayName": f"{name} and {objective}",
        "xaxis": {"key": name, "type": kind},
        "yaxis": {"key": objective, "type": "METRIC"},
        "runsCountToCompare": _ALL,
    }
