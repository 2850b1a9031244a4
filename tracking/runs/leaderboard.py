"""The results of a study as a table, as metrics and as text for its page in MLflow."""

from __future__ import annotations

import csv
import json
import math
from collections import Counter
from pathlib import Path
from typing import Any

from tracking.records import StudyRecord, TrialRecord
from tracking.runs.payloads import shorten
from tracking.states import COMPLETE, FAILED, KILLED, PRUNED, REFUSED, RUNNING
from tracking.texts import cell, code, shell_line, short_number

_ENDS = (COMPLETE, PRUNED, REFUSED, FAILED, KILLED)
_MAX_NOTE = 8000
_MAX_COLUMNS = 8
_MAX_CELL = 40
_SHOWN = 10
TABLE = "leaderboard.json"


def counts(record: StudyRecord) -> dict[str, int]:
    """Count the trials in each state; queued ones are not counted."""
    counted = Counter(trial.state for trial in record.trials)
    return {state: counted[state] for state in (*_ENDS, RUNNING)}


def summary_metrics(record: StudyRecord) -> dict[str, float]:
    """The metrics of a study's run: how many trials are in each state, and the best value.

    Returns:
        `n_complete`, `n_pruned`, `n_refused`, `n_failed`, `n_killed`; and where a trial ranks, the
        best value under the objective's name and its trial's number as `best_trial`.
    """
    counted = counts(record)
    metrics = {f"n_{state}": float(counted[state]) for state in _ENDS}
    best = record.best
    if best is not None and best.value is not None:
        metrics |= {record.objective: best.value, "best_trial": float(best.number)}
    return metrics


def write_leaderboard(record: StudyRecord, folder: Path) -> None:
    """Write all trials as a table: the ranked trials by rank, then the others by number.

    It is written twice: as CSV, and as `TABLE`, in the form that MLflow's pages show as a table.

    Args:
        record: The study.
        folder: Where `leaderboard.csv` and `leaderboard.json` are written.
    """
    head, rows = _leaderboard(record)
    with (folder / "leaderboard.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([head, *rows])
    text = json.dumps({"columns": head, "data": [list(map(_shown, row)) for row in rows]})
    (folder / TABLE).write_text(text, encoding="utf-8")


def _leaderboard(record: StudyRecord) -> tuple[list[str], list[list[Any]]]:
    """The names of the columns, and a row a trial."""
    params = sorted({name for trial in record.trials for name in trial.params})
    metrics = sorted({name for trial in record.trials for name in trial.metrics})
    extra = [name for name in metrics if name != record.objective and name not in params]
    head = ["rank", "number", "state", "end_reason", record.objective, *params, *extra, "run_id"]
    placed = {trial.number for trial in record.ranked()}
    rows: list[list[Any]] = []
    for rank, trial in enumerate(record.ranked_first(), start=1):
        place = rank if trial.number in placed else ""
        start = [place, trial.number, trial.state, trial.end_reason, trial.value]
        values = [trial.params.get(name) for name in params]
        figures = [trial.metrics.get(name) for name in extra]
        rows.append([*start, *values, *figures, trial.run_id])
    return head, rows


def _shown(value: Any) -> Any:
    """A cell as a browser reads it: empty for none, a text for what is no number of JSON."""
    if value is None:
        return ""
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def study_note(record: StudyRecord, *, results: bool = False, limit: int = _MAX_NOTE) -> str:
    """Write the description of a study's run, in Markdown.

    Args:
        record: The study.
        results: Whether to add the counts, the ten best trials and how to repeat the best.
        limit: Characters at most; the user's own text is what gets shortened.

    Returns:
        The text.
    """
    after = _results(record) if results else ""
    if not after:
        return shorten(record.description, limit)
    before = shorten(record.description, max(limit - len(after) - 2, 4)).strip()
    return shorten(f"{before}\n\n{after}" if before else after, limit)


def _results(record: StudyRecord) -> str:
    counted = {state: n for state, n in counts(record).items() if n}
    ends = ", ".join(f"{n} {state}" for state, n in counted.items()) or "none yet"
    parts = ["## Results", f"Trials: {ends}."]
    ranked, best = record.ranked(), record.best
    if best is None:
        why = record.no_best[0].upper() + record.no_best[1:]
        return "\n\n".join([*parts, f"{why}, so there is no best one."])
    parts.append(_against_baseline(record, best))
    parts.append("\n".join(_table(record, ranked[:_SHOWN])))
    if record.frontier():
        parts.append("\n".join(_frontier(record)))
    again = shell_line("trialbook", "reproduce", f"{record.name}:{best.number}")
    parts.append(f"Repeat the best: {code(again)}")
    return "\n\n".join(part for part in parts if part)


def _against_baseline(record: StudyRecord, best: TrialRecord) -> str:
    base = record.baseline
    if record.baseline_misfit:
        return f"The baseline is no bar here: {record.baseline_misfit}."
    if base is None or base.value is None or best.value is None:
        return ""
    gain = record.gain(best.value, over=base.value)
    return f"Best {best.value:.5f}, baseline {base.value:.5f}: better by {gain:.5f}."


def _table(record: StudyRecord, best: tuple[TrialRecord, ...]) -> list[str]:
    always, more = record.columns(best)
    names = (*always, *more)[:_MAX_COLUMNS]
    head = ["rank", "trial", _cell(record.objective), "best epoch", *map(_cell, names)]
    lines = ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head)]
    for rank, trial in enumerate(best, start=1):
        epoch = trial.metrics.get("best_epoch")
        cells = [
            str(rank),
            trial.label,
            f"{trial.value:.5f}",
            "" if epoch is None else f"{epoch:.0f}",
        ]
        cells += [_cell(trial.params.get(name)) for name in names]
        lines.append("| " + " | ".join(cells) + " |")
    return lines


def _frontier(record: StudyRecord) -> list[str]:
    """A Markdown table of the trials on the frontier: no other trial dominates them."""
    lines = ["Not beaten in all goals by any trial:", ""]
    lines += ["| " + " | ".join(["trial", *map(_cell, record.goals)]) + " |"]
    lines += ["|" + " --- |" * (1 + len(record.goals))]
    for trial in record.frontier()[:_SHOWN]:
        others = [_cell(trial.metrics.get(name)) for name in record.goals[1:]]
        lines.append("| " + " | ".join([str(trial.number), f"{trial.value:.5f}", *others]) + " |")
    return lines


def _cell(value: object) -> str:
    if isinstance(value, float):
        return short_number(value)
    return "" if value is None else cell(shorten(str(value), _MAX_CELL))
