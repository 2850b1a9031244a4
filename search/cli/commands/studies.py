"""`trialbook studies`: list every study of a store."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
from rich.table import Table

from search.cli.columns import Columns, fitted
from search.cli.common import (
    command_line,
    console,
    emit,
    home_option,
    json_option,
    open_store,
    short,
    store_options,
    studies_to_read,
    waiting,
)
from search.cli.tables import table
from tracking import without_password
from tracking.texts import visible


@click.command(epilog="Example: trialbook studies --home ./mlruns")
@store_options
@home_option
@json_option
def command(home: Path, storage: str | None, tracking_uri: str | None, as_json: bool) -> int:
    """List the studies in the storage."""
    from search.storage.known import lost_studies
    from search.storage.readable import Unreadable
    from search.storage.records import study_record
    from search.storage.study_attributes import config_of
    from search.storage.trials import finished

    rows: list[dict[str, Any]] = []
    damaged: list[Unreadable] = []
    with waiting("Reading the studies …"):
        for study in studies_to_read(home, storage, tracking_uri).all(damaged):
            config = config_of(study)
            record = study_record(study, config, weighs=False)
            best = record.best
            rows.append(
                {
                    "study": record.name,
                    "data": record.dataset.name if record.dataset else "its own",
                    "model": config.model,
                    "trials": finished(study),
                    "target": config.trials,
                    "objective": record.objective,
                    "best_value": best.value if best else None,
                    "best_trial": best.number if best else None,
                }
            )
    if as_json:
        unreadable = [{"study": each.study, "reason": str(each)} for each in damaged]
        emit({"studies": rows, "damaged": unreadable})
        return 0
    for each in damaged:
        console().print(visible(str(each)))
    known = [row["study"] for row in rows] + [each.study for each in damaged]
    lost = "" if storage or tracking_uri else lost_studies(open_store(home), known)
    if not (rows or damaged):
        start = lost or f"Start one: {command_line(home, 'search', storage=storage)}"
        where = without_password(storage) if storage else home
        console().print(f"No study in {visible(str(where))} yet. {start}")
    elif rows:
        made, hidden = _table(rows)
        console().print(made)
        if hidden:
            console().print(f"There is no room for {', '.join(hidden)}: `--json` has them.")
        if lost:
            console().print(visible(lost))
    return 0


def _table(rows: Sequence[dict[str, Any]]) -> tuple[Table, list[str]]:
    """The studies as a table, and the columns that the terminal has no room for."""
    values = [row["best_value"] for row in rows]
    cells = {
        "study": [row["study"] for row in rows],
        # A path is told by its last part, so that a row stays a row; `--json` has all of it.
        "data": [row["data"].rpartition("/")[2] or row["data"] for row in rows],
        "model": [row["model"] for row in rows],
        "trials": [f"{row['trials']} of {row['target']}" for row in rows],
        "best": ["none" if value is None else f"{value:.4f}" for value in values],
        "trial": [short(row["best_trial"]) for row in rows],
        "value of": [row["objective"] for row in rows],
    }
    ranks = {
        "must": ("study", "best"),
        "own": ("trials",),
        "more": ("value of", "data", "trial", "model"),
    }
    found = fitted(
        Columns(**{rank: {name: cells[name] for name in names} for rank, names in ranks.items()}),
        console().width,
    )
    shown = [name for name in cells if name in found.widths]
    body = [list(row) for row in zip(*(cells[name] for name in shown), strict=True)]
    hidden = [name for name in cells if name not in found.widths]
    return table("Studies", shown, body, layout=found.layout), hidden
