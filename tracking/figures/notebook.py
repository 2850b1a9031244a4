"""A study as a notebook shows it: its best trials and their curves; and one trial as a table."""

from __future__ import annotations

import base64
from html import escape
from io import BytesIO

from tracking.figures import png
from tracking.figures.cost import end_of
from tracking.figures.data import best_curves
from tracking.figures.draw import figures_of
from tracking.records import Scalar, StudyRecord, TrialRecord
from tracking.texts import short_number, visible

_ROWS, _COLUMNS = 10, 8
_DPI = 90


def study_html(study: StudyRecord) -> str:
    """Write a study as HTML that needs no network: the ten best trials, and curves of the best.

    Args:
        study: The study with its trials.

    Example:
        >>> study_html(StudyRecord(name="a<b"))
        '<h4>a&lt;b</h4><p>no trial is complete</p>'
    """
    head = f"<h4>{_text(study.name)}</h4>"
    ranked = study.ranked()[:_ROWS]
    if not ranked:
        return f"{head}<p>{_text(study.no_best)}</p>"
    return head + _table(study, ranked) + _curves(study)


def trial_html(trial: TrialRecord, *, baseline: float | None = None) -> str:
    """Write a trial as an HTML table: its value, how it ended, and its parameters.

    Args:
        trial: The trial.
        baseline: The baseline's value; None where it is not known.

    Example:
        >>> trial = TrialRecord(study="movies", number=3, params={"size": 8}, state="complete")
        >>> "<tr><th>size</th><td>8</td></tr>" in trial_html(trial)
        True
    """
    rows = [(trial.objective, "" if trial.value is None else f"{trial.value:.4f}")]
    if trial.value is not None and baseline is not None and not trial.is_baseline:
        gap = trial.value - baseline
        rows.append(("against the baseline", f"{gap:+.4f} (baseline {baseline:.4f})"))
    rows += [("how it ended", end_of(trial))]
    rows += [(name, _value(value)) for name, value in trial.params.items()]
    cells = [f"<tr><th>{_text(name)}</th><td>{_text(value)}</td></tr>" for name, value in rows]
    head = f"<h4>{_text(f'{trial.study}, trial {trial.label}')}</h4>"
    return f"{head}<table><tbody>{''.join(cells)}</tbody></table>"


def _table(study: StudyRecord, ranked: tuple[TrialRecord, ...]) -> str:
    always, more = study.columns(ranked)
    names = (*always, *more)[:_COLUMNS]
    titles = ["rank", "trial", study.objective, *names]
    head = "".join(f"<th>{_text(title)}</th>" for title in titles)
    rows = []
    for rank, trial in enumerate(ranked, start=1):
        cells = [str(rank), trial.label, f"{trial.value:.4f}"]
        cells += [_value(trial.params.get(name)) for name in names]
        rows.append("<tr>" + "".join(f"<td>{_text(cell)}</td>" for cell in cells) + "</tr>")
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"


def _curves(study: StudyRecord) -> str:
    if not best_curves(study):
        return ""
    title = f"{study.name}: learning curves of the best trials"
    figure = figures_of(study, png)["learning_curves"]()
    held = BytesIO()
    figure.savefig(held, format="png", dpi=_DPI)
    data = base64.b64encode(held.getvalue()).decode()
    return f'<img alt="{_text(title)}" src="data:image/png;base64,{data}">'


def _value(value: Scalar) -> str:
    if isinstance(value, float):
        return short_number(value)
    return "" if value is None else str(value)


def _text(text: str) -> str:
    return escape(visible(text))
