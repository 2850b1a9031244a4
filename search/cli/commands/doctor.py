"""`trialbook doctor`: compare what the stores of a home say, and mend what differs."""

from __future__ import annotations

from pathlib import Path

import click

from models.checks import count_of
from search.cli.common import (
    console,
    emit,
    home_option,
    json_option,
    open_studies,
    store_options,
    studies_to_read,
    waiting,
)
from search.cli.exits import DOES_NOT_HOLD


@click.command(epilog="Example: trialbook doctor --fix")
@click.argument("study", required=False)
@click.option("--fix", is_flag=True, help="Mend every difference that has one right answer.")
@store_options
@home_option
@json_option
def command(
    study: str | None,
    fix: bool,
    home: Path,
    tracking_uri: str | None,
    storage: str | None,
    as_json: bool,
) -> int:
    """Compare Optuna's storage with MLflow and the writes that wait for it, for STUDY or all.

    The exit code is 1 if something is wrong and was not mended.
    """
    from search.doctor.examination import examine

    opened = open_studies if fix else studies_to_read
    studies = opened(home, storage, tracking_uri)
    with waiting("Comparing the stores …") as status:
        say = status.console.print
        found = examine(studies, [study] if study else [], mends=fix, say=say)
    left = [each for each in found if not each.is_mended]
    if as_json:
        emit({"findings": [each.to_json() for each in found], "left": len(left)})
        return DOES_NOT_HOLD if left else 0
    out = console()
    for each in found:
        mark = "mended" if each.is_mended else "found" if each.is_mendable else "to do"
        out.print(": ".join(part for part in (mark, each.study, each.text) if part))
    if not found:
        out.print("Nothing is wrong." if studies.names() else "There is no study to examine.")
    elif not fix and any(each.is_mendable for each in left):
        out.print(f"{count_of(len(left), 'finding')}. `trialbook doctor --fix` mends what it can.")
    return DOES_NOT_HOLD if left else 0
