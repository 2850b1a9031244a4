"""Writes a study's trials as CSV, Parquet or JSON, or one trial in Keras Tuner's format."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from search.errors import SearchError
from tracking import COMPLETE, StudyRecord, TrialRecord
from tracking.whole_files import written_whole

if TYPE_CHECKING:
    import pandas as pd

Space = Sequence[Mapping[str, Any]]
_COUNTS = {"best_epoch", "epochs_run", "parameters", "parts"}
FORMATS = ("csv", "parquet", "json", "keras-tuner")


def strict_json(value: Any) -> str:
    """Write plain values as JSON that every parser reads: NaN and infinities become null.

    Python itself would write NaN and Infinity, which JSON does not have.

    Example:
        >>> strict_json({"best": float("nan"), "all": [1.0, float("inf")]}).split()
        ['{', '"best":', 'null,', '"all":', '[', '1.0,', 'null', ']', '}']
    """
    text = json.dumps(_finite(value), indent=2, default=str, allow_nan=False)
    return text.replace("\x7f", "\\u007f")  # all other characters that are not seen are escaped


def _finite(value: Any) -> Any:
    """Copy nested values, with None in place of NaN and infinities."""
    if isinstance(value, Mapping):
        return {name: _finite(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def trials_table(record: StudyRecord, only: int | None = None) -> pd.DataFrame:
    """Make a table of a study's trials, one row a trial.

    Args:
        record: The study.
        only: Number of the only trial in the table; None for all. Its columns have the types that
            they have in the table of all trials.

    Returns:
        `number`, `state`, `end_reason`, `value`, `run_id`, then a column `params.NAME` a parameter
        (missing where it was inactive) and `metrics.NAME` a figure, the names that MLflow's
        `search_runs` uses. Whole numbers stay whole beside missing ones (pandas' Int64), and what
        stands beside texts is text.
    """
    import pandas as pd

    _, every = _rows(record)
    columns, rows = _rows(record if only is None else _alone(record, only))
    made = {}
    for name in columns:
        values = [row[name] for row in every]
        dtype = "float64" if name == "value" else _dtype(values)
        made[name] = pd.Series([row[name] for row in rows], dtype=dtype)
        if dtype == "object" and any(isinstance(value, str) for value in values):
            made[name] = made[name].map(lambda value: None if value is None else str(value))
    return pd.DataFrame(made)


def _alone(record: StudyRecord, number: int) -> StudyRecord:
    """The record with one trial only."""
    return replace(record, trials=(_chosen(record, number),))


def _rows(record: StudyRecord) -> tuple[list[str], list[dict[str, Any]]]:
    """The columns of the trials' table, and a row a trial with all of them, None where missing."""
    rows = []
    for trial in record.trials:
        row: dict[str, Any] = {
            "number": trial.number,
            "state": str(trial.state),
            "end_reason": str(trial.end_reason),
            "value": trial.value,
            "run_id": trial.run_id,
        }
        row |= {f"params.{name}": value for name, value in trial.params.items()}
        row |= {f"metrics.{name}": _counted(name, value) for name, value in trial.metrics.items()}
        rows.append(row)
    names = dict.fromkeys(name for row in rows for name in row)
    usual = [name for name in names if not name.startswith(("params.", "metrics."))]
    others = sorted(set(names) - set(usual), key=lambda name: (name.startswith("metrics."), name))
    columns = [*usual, *others]
    return columns, [{name: row.get(name) for name in columns} for row in rows]


def _counted(name: str, value: float) -> float:
    """A figure as it is recorded, a count as a whole number."""
    return int(value) if name in _COUNTS and math.isfinite(value) else value


def _dtype(values: Iterable[Any]) -> str:
    """The type of a column that holds these values."""
    kinds = {type(value) for value in values if value is not None}
    if kinds and kinds <= {int}:
        return "Int64"
    return "float64" if kinds and kinds <= {int, float} else "object"


def export(
    record: StudyRecord, space: Space, kind: str, path: Path, number: int | None = None
) -> int:
    """Write a study's trials, or one trial's `HyperParameters`, to a file.

    Args:
        record: The study.
        space: The fields of each parameter that the study searches, as they are stored.
        kind: One of `FORMATS`: "csv", "parquet", "json" or "keras-tuner".
        path: The file; its folder must exist. It is complete or not there at all.
        number: The only trial to write; None for all, or for "keras-tuner" the best.

    Returns:
        How many trials were written.

    Raises:
        SearchError: There is nothing to write, or the file cannot be written.
    """
    if not record.trials:
        raise SearchError(f"An export needs a trial, but study {record.name} has none.")
    if not path.name:
        raise SearchError(
            f"`--output` must name a file, but {path} is a folder. Say which file in it."
        )
    with written_whole(path, error=SearchError) as partial:
        return _write(record, space, kind, partial, number)


def _write(record: StudyRecord, space: Space, kind: str, path: Path, number: int | None) -> int:
    """Write one export file, and return the number of trials written."""
    if kind == "keras-tuner":
        values = _values(_chosen(record, number), space)
        path.write_text(strict_json(values) + "\n", encoding="utf-8")
        return 1
    if kind == "json":
        _, rows = _rows(record if number is None else _alone(record, number))
        path.write_text(strict_json(rows) + "\n", encoding="utf-8")
        return len(rows)
    table = trials_table(record, number)
    if kind == "csv":
        _write_csv(table, path)
    else:
        table.to_parquet(path, index=False)
    return len(table)


def _write_csv(table: pd.DataFrame, path: Path) -> None:
    """Write a table as CSV whose cells are read back as they were, whatever they hold.

    A text that a spreadsheet takes for a formula, say `=1+1`, stays as it is. Some programs put an
    apostrophe before it; then every other program reads another value, and this file is for those.
    In a spreadsheet, import such columns as text. With `read_csv` of pandas, `dtype=str` and
    `keep_default_na=False` keep a text like "nan" or "007".
    """
    texts = [*table.columns, *(cell for name in table for cell in table[name])]
    # Python quotes a cell with a line feed, but not one with a carriage return alone.
    odd = any(isinstance(text, str) and "\r" in text for text in texts)
    table.to_csv(path, index=False, quoting=csv.QUOTE_NONNUMERIC if odd else csv.QUOTE_MINIMAL)


def _chosen(record: StudyRecord, number: int | None) -> TrialRecord:
    """Find the trial with the given number, or the best trial if no number is given."""
    if number is None:
        if record.best is None:
            raise SearchError(
                f"Keras Tuner's format takes the best {COMPLETE} trial, but of study {record.name} "
                f"{record.no_best}. Name one with `--trial`."
            )
        return record.best
    trial = record.trial(number)
    if trial is None:
        raise SearchError(
            f"`--trial` must be a trial of {record.name} (0 to {record.trials[-1].number}), but "
            f"got {number}."
        )
    return trial


def _values(trial: TrialRecord, space: Space) -> dict[str, Any]:
    """One trial's values and their space as a dict for `HyperParameters.from_config`."""
    from search.space.hypermodel import hyperparameters

    # What a model declares in a loop or in `fit` exists without a condition, but not in each trial.
    held = [p for p in space if p["conditions"] or p["name"] in trial.params]
    hp = hyperparameters(held)
    hp.values = dict(trial.params)
    plain: dict[str, Any] = hp.get_config()
    return plain
