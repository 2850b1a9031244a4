"""`trialbook studies`: every study of a store."""

from __future__ import annotations

from pathlib import Path

import click

from search.cli.common import (
    console,
    emit,
    home_option,
    json_option,
    open_store,
    program,
    short,
    store_options,
    table,
)


@click.command(epilog="Example: trialbook studies --home ./mlruns")
@store_options
@home_option
@json_option
def command(home: Path, tracking_uri: str | None, storage: str | None, as_json: bool) -> int:
    """List the studies of the store."""
    from search.library import find_study, study_names
    from search.results import config_of, study_record

    store = open_store(home, tracking_uri)
    rows = []
    for name in study_names(store, storage):
        study = find_study(store, storage, name)
        if study is None:
            continue
        config = config_of(study)
        record = study_record(study, config)
        best = record.ranked()[:1]
        rows.append(
            {
                "study": name,
                "data": record.dataset.name if record.dataset else "its own",
                "model": config.model,
                "trials": len(record.trials),
                "target": config.trials,
                "objective": record.objective,
                "best_value": best[0].value if best else None,
                "best_trial": best[0].number if best else None,
            }
        )
    if as_json:
        emit({"studies": rows})
    elif not rows:
        console().print(f"No study in {home} yet. Start one: {program()} search")
    else:
        columns = list(rows[0])
        body = [[short(row[c]) for c in columns] for row in rows]
        console().print(table("Studies", columns, body))
    return 0
