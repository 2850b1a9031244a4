"""A study's saved view in MLflow: its trials ranked, and charts of what matters."""

from __future__ import annotations

import base64
import json
import zlib
from typing import Any

from tracking.records import StudyRecord
from tracking.runs.payloads import clean_key
from tracking.runs.view.charts import charts_of, important_names, section
from tracking.tags import Role, Tag

NAME = "trialbook"
VIEW_TAG = f"mlflow.sharedViewState.{NAME}"
_MAX_PLAIN = 4000
"""MLflow refuses tags of an experiment of more than 5,000 characters; its pages unpack them."""
_MOST_PARAMS = 6
_FIRST = ("family", "optimizer", "learning_rate", "batch_size")


def view_of(record: StudyRecord, *, parent: str, baseline: str | None = None) -> str:
    """Write the view of a study as the text that MLflow's pages keep in a tag.

    Its table ranks the trials, the best one first; its curves are those of the ten best and of the
    baseline, also while trials come in. The format is MLflow's own (version 3.17), documented
    nowhere; tests open it in a browser.

    Args:
        record: The study, as far as it is known.
        parent: The study's own run, whose curve is not drawn.
        baseline: The baseline's run, whose curve is drawn whatever its rank.

    Example:
        >>> view = view_of(StudyRecord(name="movies"), parent="1", baseline="2")
        >>> json.loads(view)["orderByKey"]
        'metrics.`best_val_rmse`'
    """
    text = json.dumps(_state(record, parent, baseline), separators=(",", ":"))
    if len(text) <= _MAX_PLAIN:
        return text
    return f"deflate;{base64.b64encode(zlib.compress(text.encode(), 9)).decode()}"


def _state(record: StudyRecord, parent: str, baseline: str | None) -> dict[str, Any]:
    shown = {parent: False} | ({baseline: True} if baseline else {})
    return {
        "searchFilter": f"tags.`{Tag.ROLE}` = '{Role.TRIAL}'",
        "orderByKey": f"metrics.`{clean_key(record.objective)}`",
        "orderByAsc": record.minimize,
        "startTime": "ALL",
        "lifecycleFilter": "Active",
        "modelVersionFilter": "All Runs",
        "datasetsFilter": [],
        "selectedColumns": _columns(record),
        "columnOrder": [],
        "columnWidths": {},
        "runsExpanded": {parent: True},
        "runsPinned": [],
        "runsHidden": [],
        "runsHiddenMode": "FIRST_10_RUNS",
        "runsVisibilityMap": shown,
        "compareRunSections": [section()],
        "compareRunCharts": charts_of(record),
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
    known = {name for trial in record.trials for name in trial.params}
    ours = [name for name in _FIRST if name in known]
    if not record.trials and record.dataset is not None:
        ours = list(_FIRST)
    params = [*ours, *(name for name in important_names(record) if name not in ours)]
    return [
        *(f"metrics.`{clean_key(name)}`" for name in goals),
        "metrics.`best_epoch`",
        f"tags.`{Tag.STATE}`",
        *(f"params.`{clean_key(name)}`" for name in params[:_MOST_PARAMS]),
        "metrics.`seconds_total`",
    ]
