"""Trials as tables of the terminal: the best ones, all of a study, a single one."""

from __future__ import annotations

import math
from collections.abc import Sequence

from rich.text import Text

from search.cli.columns import Columns, fitted
from search.cli.common import console, short, table
from search.cli.curve import small_curve
from search.errors import SearchError
from search.prediction.outputs import Outputs
from tracking import StudyRecord, TrialRecord
from tracking.records.trivial import TRIVIAL
from tracking.tags import PREFIX


def best_table(record: StudyRecord, trials: tuple[TrialRecord, ...]) -> tuple[object, int]:
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
        own=_cells(trials, own),
        more=_cells(trials, more),
        last={
            name: ["" if value is None else f"{value:.0f}" for value in values]
            for name, metric in figures.items()
            for values in [[trial.metrics.get(metric) for trial in trials]]
        },
    )
    made, shown = _table(f"Best trials of {record.name}", columns)
    return made, sum(name not in shown for name in record.varied(trials))


def in_order(record: StudyRecord, sort: str) -> list[TrialRecord]:
    """The trials of a study in an order: "value", the ranked ones first; "number"; "seconds"."""
    if sort == "number":
        return list(record.trials)
    if sort == "seconds":
        return sorted(record.trials, key=lambda t: -t.metrics.get("seconds_total", 0.0))
    return list(record.ranked_first())


def show_study(
    record: StudyRecord, trials: Sequence[TrialRecord], columns: Sequence[str] | None = None
) -> None:
    """Print a study and its trials.

    Args:
        record: The study.
        trials: The trials, in their order.
        columns: Parameters and figures to show; None for those that matter most.

    Raises:
        SearchError: No trial has one of them.
    """
    named = _cells(trials, named_columns(record, columns)) if columns else {}
    seconds = [trial.metrics.get("seconds_total") for trial in trials]
    must = {
        "trial": [trial.label for trial in trials],
        "state": [trial.state for trial in trials],
        record.objective: ["" if t.value is None else f"{t.value:.4f}" for t in trials],
    }
    ends = {
        "end": [trial.end_reason if trial.end_reason != trial.state else "" for trial in trials],
        "epochs": [str(len(trial.epochs)) for trial in trials],
        "seconds": [short(value) for value in seconds],
    }
    own, more = ((), ()) if columns else record.columns()
    shown = Columns(
        must=must | named, own=_cells(trials, own), more=_cells(trials, more), last=ends
    )
    out = console()
    out.print(record.description.replace("**", "").replace("\n\n", "\n"))
    out.print(_table(f"Trials of {record.name}", shown)[0])


def named_columns(record: StudyRecord, columns: Sequence[str]) -> list[str]:
    """The columns that a user named, each once.

    Args:
        record: The study.
        columns: Parameters and figures of its trials.

    Raises:
        SearchError: No trial has one of them.
    """
    known = {name for trial in record.trials for name in (*trial.params, *trial.metrics)}
    unknown = [name for name in columns if name not in known]
    if unknown:
        raise SearchError(
            f"`columns` must be parameters or figures of {record.name}'s trials "
            f"({', '.join(sorted(known)) or 'none yet'}), but got {', '.join(unknown)}."
        )
    return list(dict.fromkeys(columns))


def _cells(trials: Sequence[TrialRecord], names: Sequence[str]) -> dict[str, list[str]]:
    """Columns of parameters or figures of trials, by name."""
    return {
        name: [short(trial.params.get(name, trial.metrics.get(name))) for trial in trials]
        for name in names
    }


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
    curve = [e.metrics[record.monitor] for e in trial.epochs if record.monitor in e.metrics]
    if curve:
        drawn = small_curve(curve, encoding=out.encoding)
        out.print(f"{record.monitor} {curve[0]:.4f} {drawn} {curve[-1]:.4f}")
    rows = [[name, short(value)] for name, value in trial.params.items()]
    if rows:
        out.print(table(f"Configuration of trial {trial.number}", ["parameter", "value"], rows))
    figures = [[name, f"{value:.6g}"] for name, value in trial.metrics.items()]
    if figures:
        out.print(table("Figures", ["figure", "value"], figures))
    _show_outputs(left, opens)
    tags = [[name.removeprefix(PREFIX), value] for name, value in trial.tags.items()]
    if everything:
        out.print(table("Tags", ["tag", "value"], tags))
    elif tags:
        out.print("With `--all`: versions, machine, data and seed.")


def _result(record: StudyRecord, trial: TrialRecord) -> list[str]:
    """What a trial gave: its rank, and its distance to the baseline and to trivial predictors."""
    end = "" if trial.end_reason in ("", trial.state) else f" ({trial.end_reason})"
    head = f"Trial {trial.label} of {record.name}: {trial.state}{end}"
    if trial.value is not None:
        head += f", {record.objective} {trial.value:.4f}"
    numbers = [each.number for each in record.ranked()]
    if trial.number in numbers:
        head += f", rank {numbers.index(trial.number) + 1} of {len(numbers)}"
    lines = [f"{head}."] + ([trial.message] if trial.message else [])
    if trial.value is not None and math.isfinite(trial.value):
        for whom, value in _bars(record, trial):
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


def _bars(record: StudyRecord, trial: TrialRecord) -> list[tuple[str, float]]:
    """What a trial is held against: the baseline, and the better of the trivial predictors."""
    base, found = record.baseline, []
    fits = base is not None and base.number != trial.number and not record.baseline_misfit
    if fits and base is not None and base.value is not None:
        found.append(("the baseline", base.value))
    if record.trivial is not None and not trial.is_of_folds:
        name, value = record.trivial
        found.append((TRIVIAL[name], value))
    return found


def _table(title: str, columns: Columns) -> tuple[object, set[str]]:
    """A table of the columns that fit, and their names."""
    fit, cells = fitted(columns, console().width), columns.all
    rows = [list(row) for row in zip(*(cells[name] for name in fit.widths), strict=True)]
    heads = [Text("\n".join(fit.layout.head(*each))) for each in fit.widths.items()]
    return table(title, heads, rows, edges=fit.layout.edges), set(fit.widths)
