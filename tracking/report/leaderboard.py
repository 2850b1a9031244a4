"""The table of all trials of a study, the best first, which a reader can sort by any column."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tracking.figures.axes import CATEGORY, axis_of
from tracking.figures.cost import end_of, seconds_of
from tracking.records import Scalar, StudyRecord, TrialRecord
from tracking.report.markup import Html, box, count, html, number, short, tag
from tracking.texts import short_number


@dataclass(frozen=True, slots=True)
class _Column:
    """A column: its head, and for each trial what is shown and what is sorted by.

    The key is a number or a text; None is always last.
    """

    head: str
    cells: Sequence[object]
    keys: Sequence[float | str | None]


def leaderboard(study: StudyRecord) -> Html:
    """Write all trials as a table: the ranked ones, best first, then the others by number."""
    trials = [*study.ranked_first()]
    columns = [*_results(study, trials), *_parameters(study, trials), *_figures(trials)]
    rows = [
        tag(
            "tr",
            *(_cell(column, place) for column in columns),
            class_="baseline" if trial.is_baseline else None,
        )
        for place, trial in enumerate(trials)
    ]
    caption = (
        f"{count(len(trials), 'trial')}; a click on a column's head, or the Enter key, sorts by it."
    )
    heads = [_head(column, place == 0) for place, column in enumerate(columns)]
    parts = (
        tag("caption", caption),
        tag("thead", tag("tr", *heads)),
        tag("tbody", *rows),
    )
    return box("Leaderboard", tag("table", *parts, class_="sortable"))


def _head(column: _Column, is_first: bool) -> Html:
    button = tag("button", column.head, type="button")
    return tag("th", button, scope="col", aria_sort="ascending" if is_first else "none")


def _cell(column: _Column, place: int) -> Html:
    """A cell with the key that it is sorted by, where that is not its text."""
    cell, key = column.cells[place], column.keys[place]
    shown = "" if cell is None else html(cell)
    if isinstance(key, float):
        written = f"{key:.10g}" if math.isfinite(key) else None
        return tag("td", shown, data_v=None if written == shown else written)
    return tag("td", shown)


def _results(study: StudyRecord, trials: Sequence[TrialRecord]) -> list[_Column]:
    ranks = {trial.number: rank for rank, trial in enumerate(study.ranked(), start=1)}
    base = None if study.baseline_misfit or not study.baseline else study.baseline.value
    gains = [_gain(study, trial, base) for trial in trials]
    ends = [end_of(t) for t in trials]
    columns = [
        _numbers("Rank", [_float(ranks.get(t.number)) for t in trials], lambda v: f"{v:.0f}"),
        _Column("Trial", [t.label for t in trials], [float(t.number) for t in trials]),
        # Beside the trial, since it says why a trial with a good value has no rank.
        _Column("How it ended", ends, list(ends)),
        _numbers(study.objective, [t.value for t in trials], number),
    ]
    if base is not None:
        columns.append(_numbers("Gain over the baseline", gains, lambda v: f"{v:+.4f}"))
    for goal in study.goals[1:]:
        columns.append(_numbers(goal, [t.metrics.get(goal) for t in trials], short_number))
    if study.frontier():
        front = {trial.number for trial in study.frontier()}
        shown = ["not beaten" if t.number in front else "" for t in trials]
        columns.append(_Column("Frontier of the goals", shown, [s or None for s in shown]))
    return columns


def _gain(study: StudyRecord, trial: TrialRecord, base: float | None) -> float | None:
    if base is None or trial.value is None or not math.isfinite(trial.value):
        return None
    return study.gain(trial.value, over=base)


def _parameters(study: StudyRecord, trials: Sequence[TrialRecord]) -> list[_Column]:
    always, more = study.columns()
    names = (*always, *more)
    return [_parameter(study, name, [t.params.get(name) for t in trials]) for name in names]


def _parameter(study: StudyRecord, name: str, values: Sequence[Scalar]) -> _Column:
    """A parameter's column; choices are sorted in the order in which they were declared."""
    axis = axis_of(name, values, study.space)
    if axis.kind == CATEGORY:
        return _Column(name, [short(v) for v in values], list(axis.positions))
    keys = [float(v) if isinstance(v, int | float) else None for v in values]
    return _Column(name, [short(v) for v in values], keys)


def _figures(trials: Sequence[TrialRecord]) -> list[_Column]:
    named = (("best_epoch", "Best epoch"), ("epochs_run", "Epochs"), ("parameters", "Weights"))
    columns = [
        _numbers(head, [t.metrics.get(name) for t in trials], lambda v: f"{v:,.0f}")
        for name, head in named
        if any(name in t.metrics for t in trials)
    ]
    seconds = _numbers("Seconds", [seconds_of(t) for t in trials], lambda v: f"{v:.3g}")
    return [*columns, seconds]


def _numbers(head: str, values: Sequence[float | None], write: Callable[[float], str]) -> _Column:
    known = [v if v is not None and math.isfinite(v) else None for v in values]
    cells = ["" if v is None else write(v) for v in known]
    return _Column(head, cells, [_float(v) for v in known])


def _float(value: float | None) -> float | None:
    return None if value is None else float(value)
