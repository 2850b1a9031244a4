"""`trialbook doctor`: compare what the stores of a home say, and mend what differs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

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

if TYPE_CHECKING:
    from search.doctor.findings import Finding


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
    from search.doctor.findings import Topic

    opened = open_studies if fix else studies_to_read
    studies = opened(home, storage, tracking_uri)
    with waiting("Comparing the stores …") as status:
        say = status.console.print
        told = examine(studies, [study] if study else [], mends=fix, say=say)
    found = [each for each in told if each.topic != Topic.BUSY]
    left = [each for each in found if not each.is_mended]
    if as_json:
        busy = [each.study for each in told if each.topic == Topic.BUSY]
        emit({"findings": [each.to_json() for each in found], "left": len(left), "busy": busy})
        return DOES_NOT_HOLD if left else 0
    out = console()
    for each in told:
        out.print(": ".join(part for part in (_mark(each), each.study, each.text) if part))
    if not told:
        out.print("Nothing is wrong." if studies.names() else "There is no study to examine.")
    elif not fix and any(each.is_mendable for each in left):
        out.print(f"{count_of(len(left), 'finding')}. `trialbook doctor --fix` mends what it can.")
    return DOES_NOT_HOLD if left else 0


def _mark(found: Finding) -> str:
    """The word that a line begins with."""
    from search.doctor.findings import Topic

    if found.topic == Topic.BUSY:
        return "note"
    return "mended" if found.is_mended else "found" if found.is_mendable else "to do"
