"""A study's saved view in MLflow: its trials ranked, and charts of what matters."""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Sequence
from typing import Any

from tracking.records import StudyRecord
from tracking.records.study import ALWAYS
from tracking.runs.payloads import clean_key, metric_key
from tracking.runs.view.charts import charts_of, sections, worthwhile
from tracking.tags import Role, Tag

RANKED, CURVES = "trialbook", "trialbook-curves"
_TAG = "mlflow.sharedViewState."
VIEW_TAG, CURVES_TAG = f"{_TAG}{RANKED}", f"{_TAG}{CURVES}"
_TRIALS = f"tags.`{Tag.ROLE}` = '{Role.TRIAL}'"
_FEW = 20
_MAX_PLAIN = 4000
"""MLflow refuses tags of an experiment of more than 5,000 characters; its pages unpack them."""
_MOST_PARAMS = 4


def view_of(record: StudyRecord, *, is_over: bool = False) -> str:
    """Write the view of a study as the text that MLflow's pages keep in a tag.

    Its table ranks the trials, the best one first; its charts show all of up to twenty trials, and
    else the twenty best, also while trials come in. The format is MLflow's own (version 3.17),
    documented nowhere; a test opens it in a browser.

    Args:
        record: The study, as far as it is known.
        is_over: Whether no more trials come.

    Example:
        >>> json.loads(view_of(StudyRecord(name="movies")))["orderByKey"]
        'metrics.`best_val_rmse`'
    """
    few = len(record.trials) <= _FEW
    drawn = "SHOW_ALL" if few and record.trials else "FIRST_20_RUNS"
    return _packed(_state(record, _TRIALS, drawn, is_over=is_over))


def curves_of(record: StudyRecord, runs: Sequence[str], *, is_over: bool = False) -> str:
    """Write a view with the curves of some trials, say the best ones and the baseline.

    A view cannot say which of its rows are drawn; so this one has no other rows.

    Args:
        record: The study, as far as it is known.
        runs: The trials' runs; where there is none, the ten best trials are drawn.
        is_over: Whether no more trials come.
    """
    if not runs:
        return _packed(_state(record, _TRIALS, "FIRST_10_RUNS", is_over=is_over))
    named = ", ".join(f"'{run}'" for run in runs)
    return _packed(_state(record, f"attributes.run_id IN ({named})", "SHOW_ALL", is_over=is_over))


def _packed(state: dict[str, Any]) -> str:
    text = json.dumps(state, separators=(",", ":"))
    if len(text) <= _MAX_PLAIN:
        return text
    return f"deflate;{base64.b64encode(zlib.compress(text.encode(), 9)).decode()}"


def _state(record: StudyRecord, rows: str, drawn: str, *, is_over: bool) -> dict[str, Any]:
    columns = _columns(record)
    return {
        "searchFilter": rows,
        "orderByKey": f"metrics.`{metric_key(record.objective)}`",
        "orderByAsc": record.minimize,
        "startTime": "ALL",
        "lifecycleFilter": "Active",
        "modelVersionFilter": "All Runs",
        "datasetsFilter": [],
        "selectedColumns": columns,
        "columnOrder": columns,  # else by letters, and the state, a tag, last
        "columnWidths": {},
        "runsExpanded": {},
        "runsPinned": [],
        "runsHidden": [],
        "runsHiddenMode": drawn,
        "runsVisibilityMap": {},
        "compareRunSections": sections(),
        "compareRunCharts": charts_of(record, is_over=is_over),
        "viewMaximized": False,
        "runListHidden": False,
        "isAccordionReordered": True,
        "groupBy": None,
        "groupsExpanded": {},
        "autoRefreshEnabled": True,
        "useGroupedValuesInCharts": True,
        "hideEmptyCharts": True,
        "globalLineChartConfig": {
            "xAxisKey": "step",
            "lineSmoothness": 0,
            "selectedXAxisMetricKey": "",
        },
        "chartsSearchFilter": "",
    }


def _columns(record: StudyRecord) -> list[str]:
    """The columns of the table: what the trials gave, how they ended, what they tried."""
    goals = record.goals or (record.objective,)
    ours = record.columns()[0]
    if not record.trials and record.dataset is not None:
        ours = ALWAYS
    params = [*ours, *(name for name in worthwhile(record) if name not in ours)]
    return [
        *(f"metrics.`{metric_key(name)}`" for name in goals),
        "metrics.`best_epoch`",
        f"metrics.`{metric_key('seconds_total')}`",  # as our tables have it, beside "Duration"
        f"tags.`{Tag.STATE}`",
        *(f"params.`{clean_key(name)}`" for name in params[:_MOST_PARAMS]),
    ]
