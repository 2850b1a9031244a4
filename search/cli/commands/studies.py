"""`trialbook studies`: list every study of a store."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from search.cli.common import (
    command_line,
    console,
    emit,
    home_option,
    json_option,
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
    from search.storage.records import study_record
    from search.storage.study_attributes import config_of
    from search.storage.trials import finished

    rows = []
    with waiting("Reading the studies …"):
        for study in studies_to_read(home, storage, tracking_uri).all():
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
        emit({"studies": rows})
    elif not rows:
        start = command_line(home, "search", storage=storage)
        where = without_password(storage) if storage else home
        console().print(f"No study in {visible(str(where))} yet. Start one: {start}")
    else:
        columns = ["study", "data", "model", "trials", "best", "trial", "value of"]
        console().print(table("Studies", columns, [_line(row) for row in rows]))
    return 0


def _line(row: dict[str, Any]) -> list[str]:
    best = "none" if row["best_value"] is None else f"{row['best_value']:.4f}"
    trials = f"{row['trials']} of {row['target']}"
    number = short(row["best_trial"])
    # A path is told by its last part, so that a row stays a row; `--json` has all of it.
    data = row["data"].rpartition("/")[2] or row["data"]
    return [row["study"], data, row["model"], trials, best, number, row["objective"]]
