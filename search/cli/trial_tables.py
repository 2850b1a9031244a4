"""Trials as tables of the terminal: the best ones, all of a study, a single one."""

from __future__ import annotations

import math
from collections.abc import Sequence

from rich.table import Table
from rich.text import Text

from models.checks import count_of
from search.cli.columns import Columns, fitted
from search.cli.common import console, short
from search.cli.curve import small_curve
from search.cli.tables import table
from search.cli.trial_columns import cells_of, ends_of, named_cells, named_columns
from search.prediction.outputs import Outputs
from tracking import StudyRecord, TrialRecord
from tracking.records.trivial import TRIVIAL
from tracking.tags import PREFIX


def best_table(record: StudyRecord, trials: tuple[TrialRecord, ...]) -> tuple[Table, int]:
    """The best trials: what our own models always tell, then the parameters in which they differ.

    The most important ones come first, as many as the terminal has room for.

    Returns:
        The table, and how many more parameters there was no room for.
    """
    own, more = record.columns(trials)
    figures = {"epoch": "best_epoch", "seconds": "seconds_total"}
    columns = Columns(
        must={
            "trial": [trial.label for trial in trials],
            record.objective: [f"{trial.value:.4f}" for trial in trials],
        },
        own=cells_of(trials, own),
        more=cells_of(trials, more),
        last={
            name: ["" if value is None else f"{value:.0f}" for value in values]
            for name, metric in figures.items()
            for values in [[trial.metrics.get(metric) for trial in trials]]
        },
    )
    count, known = len(trials), len(record.ranked())
    which = "Best trials" if count == known else f"Best {count} of {known} ranked trials"
    made, shown = fitted_table(f"{which} of {record.name}", columns)
    return made, sum(name not in shown for name in record.varied(trials))


def _without_marks(description: str) -> str:
    """A description as plain text: without Markdown's marks and empty lines."""
    return description.replace("**", "").replace("`", "").replace("\n\n", "\n")


def hidden_line(count: int, show: str) -> list[str]:
    """The line on parameters that a table had no room for; none where it had.

    Args:
        count: How many they are.
        show: The command that shows a trial whole.
    """
    more = count_of(count, "more parameter")
    return [f"They differ in {more}; one trial whole: {show}"] if count else []


def in_order(record: StudyRecord, sort: str) -> list[TrialRecord]:
    """The trials of a study in an order: "value", the ranked ones first; "number"; "seconds"."""
    if sort == "number":
        return list(record.trials)
    if sort == "seconds":
        return sorted(record.trials, key=lambda t: -t.metrics.get("seconds_total", 0.0))
    return list(record.ranked_first())


def show_study(
    record: StudyRecord,
    trials: Sequence[TrialRecord],
    columns: Sequence[str] | None = None,
    *,
    sort: str = "value",
    show: str = "",
) -> None:
    """Print a study and its trials.

    Args:
        record: The study.
        trials: The trials, in their order.
        columns: What to show of them; None for what matters most.
        sort: What they are ordered by, as `in_order` takes it.
        show: The command that shows a trial whole.

    Raises:
        SearchError: No trial has one of the columns.
    """
    chosen = named_columns(record, columns or ())
    named = named_cells(record, trials, [*chosen, *([sort] if sort == "seconds" else [])])
    trial = {"trial": [trial.label for trial in trials]}
    state = {"state": [str(trial.state) for trial in trials]}
    value = {record.objective: ["" if t.value is None else f"{t.value:.4f}" for t in trials]}
    last = {name: cells for name, cells in ends_of(trials).items() if name not in named}
    own, more = ((), ()) if columns else record.columns()
    usual = {"own": cells_of(trials, own), "more": cells_of(trials, more)}
    out = console()
    out.print(_without_marks(record.description))
    made, shown = fitted_table(
        f"Trials of {record.name}",
        Columns(must=trial | state | value | named, last=last, **usual),
        Columns(must=trial | value | named, last=state | last, **usual),
    )
    out.print(made)
    if "state" not in shown and len({trial.state for trial in trials}) > 1:
        out.print("There is no room for their states: see them with `--columns state`.")
    hidden = 0 if columns else sum(name not in shown for name in record.varied(record.trials))
    for line in hidden_line(hidden, show):
        out.print(line)


def show_trial(
    record: StudyRecord,
    trial: TrialRecord,
    left: Outputs,
    *,
    opens: str = "",
    everything: bool = False,
) -> None:
    """Print a trial: what it gave, what it tried, its curve, its files; and its tags if wanted.

    Args:
        record: Its study.
        trial: The trial.
        left: What it left in MLflow.
        opens: The command that opens MLflow's pages, where these have no address of their own.
        everything: Whether to print all tags, and all figures in full.
    """
    out = console()
    for line in _result(record, trial):
        out.print(line)
    for label, curve in _curves(record, trial).items():
        drawn = small_curve(curve, encoding=out.encoding)
        out.print(f"{label}{record.monitor} {curve[0]:.4f} {drawn} {curve[-1]:.4f}")
    rows = [[name, short(value)] for name, value in trial.params.items()]
    if rows:
        out.print(table(f"Configuration of trial {trial.number}", ["parameter", "value"], rows))
    figures = [[name, _figure(name, value)] for name, value in trial.metrics.items()]
    if figures:
        out.print(table("Figures", ["figure", "value"], figures))
    _show_outputs(left, opens)
    tags = [[name.removeprefix(PREFIX), value] for name, value in trial.tags.items()]
    if everything:
        out.print(table("Tags", ["tag", "value"], tags))
    elif tags:
        out.print("With `--all`: versions, machine, data and seed.")


def _figure(name: str, value: float) -> str:
    """A figure of a trial; seconds to the millisecond."""
    return f"{value:.3f}" if name.startswith("seconds") else f"{value:.6g}"


def _curves(record: StudyRecord, trial: TrialRecord) -> dict[str, list[float]]:
    """The learning curve of a trial by an empty text, or those of its folds by "fold 1: "."""
    kind = "fold" if trial.is_of_folds else "repeat"
    curves: dict[str, list[float]] = {}
    for epoch in trial.epochs:
        for part, value in epoch.by_part(record.monitor).items():
            label = part or (f"{kind} 1" if trial.mean_of else "")
            curves.setdefault(f"{label}: " if label else "", []).append(value)
    return curves


def _result(record: StudyRecord, trial: TrialRecord) -> list[str]:
    """What a trial gave: its rank, and its distance to the baseline and to trivial predictors."""
    end = trial.how_it_ended
    told = [str(trial.state), end] if not end.startswith(trial.state) else [end]
    head = f"Trial {trial.label} of {record.name}: {', '.join(filter(None, told))}"
    if trial.value is not None:
        head += f", {record.objective} {trial.value:.4f}"
        head += f" (mean of {trial.mean_of})" if trial.mean_of else ""
    numbers = [each.number for each in record.ranked()]
    if trial.number in numbers:
        head += f", rank {numbers.index(trial.number) + 1} of {len(numbers)}"
    lines = [f"{head}."] + ([trial.message] if trial.message and trial.message not in end else [])
    if trial.value is not None and math.isfinite(trial.value):
        for whom, value in _bars(record, trial, trial.value):
            gap = record.gain(trial.value, over=value)
            word = "better" if gap >= 0 else "worse"
            lines.append(f"{abs(gap):.4f} {word} than {whom} ({value:.4f}).")
    return lines


def _show_outputs(left: Outputs, opens: str) -> None:
    """Print where a trial's run is, its files and its model."""
    out = console()
    if left.run_id:
        out.print(f"Run {left.run_id} in MLflow: {left.url or opens}")
    if left.sizes:
        rows = [[name, f"{size:,}"] for name, size in left.sizes.items()]
        out.print(table("Files of the run", ["file", "bytes"], rows))
        if left.folder is not None:
            out.print(f"They are in {left.folder}")
    elif left.sizes is not None:
        out.print("The run has no files.")
    if left.model is not None:
        where = "" if left.model.folder is None else f", in {left.model.folder}"
        out.print(f"Model: {left.model.uri}{where}")
    if left.note:
        out.print(left.note)


def _bars(record: StudyRecord, trial: TrialRecord, reached: float) -> list[tuple[str, float]]:
    """What a trial is held against: the baseline, and the trivial predictors.

    Of these it is the better one, and the other one too where the trial is worse than that.
    """
    base, found = record.baseline, []
    fits = base is not None and base.number != trial.number and not record.baseline_misfit
    if fits and base is not None and base.value is not None:
        found.append(("the baseline", base.value))
    for name, value in {} if trial.is_of_folds else record.trivials.items():
        if (name, value) == record.trivial or record.better(value, than=reached):
            found.append((TRIVIAL[name], value))
    return found


def fitted_table(title: str, *choices: Columns) -> tuple[Table, set[str]]:
    """A table of the columns that fit, and their names.

    Args:
        title: What stands above it.
        choices: The columns; the first whose `own` fit are taken, else the last.
    """
    for columns in choices:
        fit = fitted(columns, console().width)
        if columns.own.keys() <= fit.widths.keys():
            break
    cells = columns.all
    rows = [list(row) for row in zip(*(cells[name] for name in fit.widths), strict=True)]
    heads = [Text("\n".join(fit.layout.head(*each))) for each in fit.widths.items()]
    return table(title, heads, rows, layout=fit.layout), set(fit.widths)
