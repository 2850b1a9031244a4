"""`trialbook compare`: the best of several studies side by side."""

from __future__ import annotations

from pathlib import Path

import click

from search.cli.common import (
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
from search.errors import SearchError
from tracking.report.comparison import differences


@click.command(epilog="Example: trialbook compare sample sample-random")
@click.argument("studies", nargs=-1, required=True)
@store_options
@home_option
@json_option
def command(
    studies: tuple[str, ...],
    home: Path,
    storage: str | None,
    tracking_uri: str | None,
    as_json: bool,
) -> int:
    """Show the best trial of each of the STUDIES; values in which they differ are marked."""
    twice = next((name for name in studies if studies.count(name) > 1), None)
    if twice is not None:
        raise SearchError(
            f"The studies to compare must differ, but got {twice!r} more than once. "
            "`trialbook studies` lists what there is."
        )
    stored = studies_to_read(home, storage, tracking_uri)
    with waiting("Reading the studies …"):
        records = [stored.record(name) for name in studies]
    best = {record.name: record.best for record in records}
    names = dict.fromkeys(n for t in best.values() if t is not None for n in t.params)
    values = {n: [t.params.get(n) if t else None for t in best.values()] for n in names}
    differ = [n for n, row in values.items() if len({str(v) for v in row}) > 1]
    hashes = {r.dataset.content_hash if r.dataset else None for r in records}
    splits = {record.split_rules for record in records}
    warnings = differences(records)
    if as_json:
        emit(
            {
                "studies": {
                    n: {"trial": t.number, "value": t.value, "params": dict(t.params)}
                    if t
                    else None
                    for n, t in best.items()
                },
                "differ": differ,
                "same_data": len(hashes) == 1 and len(splits) == 1,
                "warnings": warnings,
            }
        )
        return 0
    rows = [
        ["value of", *(r.objective for r in records)],
        ["best value", *(f"{t.value:.4f}" if t else "none" for t in best.values())],
        ["trial", *(str(t.number) if t else "" for t in best.values())],
        ["complete trials", *(str(len(r.ranked())) for r in records)],
    ]
    for name, row in values.items():
        mark = "≠ " if name in differ else "  "
        rows.append([mark + name, *(short(v) for v in row)])
    console().print(table("Best of each (≠ differs)", ["", *best], rows))
    for line in warnings:
        console().print(line)
    return 0
