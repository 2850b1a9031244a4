"""Writes a study's trials as CSV, Parquet or JSON, or one trial in Keras Tuner's format."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from search.errors import SearchError
from tracking import COMPLETE, StudyRecord, TrialRecord

if TYPE_CHECKING:
    import pandas as pd

Space = Sequence[Mapping[str, Any]]
FORMATS = ("csv", "parquet", "json", "keras-tuner")


def strict_json(value: Any) -> str:
    """Write plain values as JSON that every parser reads: NaN and infinities become null.

    Python itself would write NaN and Infinity, which JSON does not have.

    Example:
        >>> strict_json({"best": float("nan"), "all": [1.0, float("inf")]}).split()
        ['{', '"best":', 'null,', '"all":', '[', '1.0,', 'null', ']', '}']
    """
    return json.dumps(_finite(value), indent=2, default=str, allow_nan=False)


def _finite(value: Any) -> Any:
    """Copy nested values, with None in place of NaN and infinities."""
    if isinstance(value, Mapping):
        return {name: _finite(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def trials_table(record: StudyRecord) -> pd.DataFrame:
    """Make a table of a study's trials, one row a trial.

    Args:
        record: The study.

    Returns:
        `number`, `state`, `end_reason`, `value`, `run_id`, then a column `params.NAME` a parameter
        (missing where it was inactive) and `metrics.NAME` a figure, the names that MLflow's
        `search_runs` uses.
    """
    import pandas as pd

    rows = []
    for trial in record.trials:
        row: dict[str, Any] = {
            "number": trial.number,
            "state": trial.state,
            "end_reason": trial.end_reason,
            "value": trial.value,
            "run_id": trial.run_id,
        }
        row |= {f"params.{name}": value for name, value in trial.params.items()}
        row |= {f"metrics.{name}": value for name, value in trial.metrics.items()}
        rows.append(row)
    table = pd.DataFrame(rows)
    names = [name for name in table.columns if name.startswith(("params.", "metrics."))]
    usual = [name for name in table.columns if name not in names]
    ordered = sorted(names, key=lambda name: (name.startswith("metrics."), name))
    return table[[*usual, *ordered]]


def export(
    record: StudyRecord, space: Space, kind: str, path: Path, number: int | None = None
) -> int:
    """Write a study's trials, or one trial's `HyperParameters`, to a file.

    Args:
        record: The study.
        space: The fields of each parameter that the study searches, as they are stored.
        kind: One of `FORMATS`: "csv", "parquet", "json" or "keras-tuner".
        path: The file; its folder must exist. It is complete or not there at all.
        number: For "keras-tuner", the trial; None for the best.

    Returns:
        How many trials were written.

    Raises:
        SearchError: There is nothing to write, or the file cannot be written.
    """
    if not record.trials:
        raise SearchError(f"An export needs a trial, but study {record.name} has none.")
    partial = path.with_name(f".{path.name}.partial")
    try:
        count = _write(record, space, kind, partial, number)
        partial.replace(path)
    except OSError as error:
        raise SearchError(
            f"`--output` must be a file that can be written, but {path} is not ({error.strerror})."
        ) from error
    finally:
        partial.unlink(missing_ok=True)
    return count


def _write(record: StudyRecord, space: Space, kind: str, path: Path, number: int | None) -> int:
    """Write one export file, and return the number of trials written."""
    if kind == "keras-tuner":
        values = _values(_chosen(record, number), space)
        path.write_text(strict_json(values) + "\n", encoding="utf-8")
        return 1
    table = trials_table(record)
    if kind == "csv":
        table.to_csv(path, index=False)
    elif kind == "parquet":
        mixed = [name for name in table.columns if table[name].map(type).nunique() > 1]
        for name in mixed:  # Parquet columns have one type: numbers beside texts become texts
            if table[name].map(lambda value: isinstance(value, str)).any():
                table[name] = table[name].map(lambda value: None if _absent(value) else str(value))
        table.to_parquet(path, index=False)
    else:
        rows = [
            {name: None if _absent(value) else value for name, value in row.items()}
            for row in table.astype(object).to_dict(orient="records")
        ]
        path.write_text(strict_json(rows) + "\n", encoding="utf-8")
    return len(table)


def _absent(value: Any) -> bool:
    """Whether a cell of the trials table is empty: None or NaN (only NaN is unequal to itself)."""
    return value is None or value != value


def _chosen(record: StudyRecord, number: int | None) -> TrialRecord:
    """Find the trial with the given number, or the best trial if no number is given."""
    if number is not None:
        for trial in record.trials:
            if trial.number == number:
                return trial
        raise SearchError(
            f"`--trial` must be a trial of {record.name} (0 to {record.trials[-1].number}), but "
            f"got {number}."
        )
    ranked = record.ranked()
    if not ranked:
        raise SearchError(
            f"Keras Tuner's format takes the best {COMPLETE} trial, but study {record.name} has "
            "none. Name one with `--trial`."
        )
    return ranked[0]


def _values(trial: TrialRecord, space: Space) -> dict[str, Any]:
    """One trial's values and their space as a dict for `HyperParameters.from_config`."""
    from search.space.hypermodel import hyperparameters

    # What a model declares in a loop or in `fit` exists without a condition, but not in each trial.
    held = [p for p in space if p["conditions"] or p["name"] in trial.params]
    hp = hyperparameters(held)
    hp.values = dict(trial.params)
    plain: dict[str, Any] = hp.get_config()
    return plain
