"""`trialbook report`: write one HTML page of one or several studies."""

from __future__ import annotations

import webbrowser
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from models.checks import refuse
from search.cli.common import (
    console,
    emit,
    home_option,
    json_option,
    options_of,
    store_options,
    studies_to_read,
    waiting,
)
from search.cli.help import option
from search.cli.pages import has_browser
from search.errors import SearchError
from tracking.texts import shell_line, visible

if TYPE_CHECKING:
    from search.storage.studies import Studies
    from tracking import Evidence

_SEVERAL = "report.html"


@click.command(epilog="Example: trialbook report sample --open")
@click.argument("studies", nargs=-1, required=True)
@option("--output", shown="STUDY.html; for several studies report.html", help="File to write.")
@click.option("--open", "opens", is_flag=True, help="Open the page in a browser.")
@store_options
@home_option
@json_option
def command(
    studies: tuple[str, ...],
    output: str | None,
    opens: bool,
    home: Path,
    storage: str | None,
    tracking_uri: str | None,
    as_json: bool,
) -> int:
    """Write a page on one or several STUDIES: leaderboard, plots, evidence, commands.

    The page needs no network and no other file, so it can be sent. An earlier report is replaced;
    any other file is not.
    """
    from tracking import Chapter, write_report

    twice = next((name for name in studies if studies.count(name) > 1), None)
    if twice is not None:
        raise SearchError(
            f"The studies of a report must differ, but got {twice!r} more than once. "
            "`trialbook studies` lists what there is."
        )
    if (output or "").startswith("-"):
        way_out = f"A file of such a name is ./{output}."
        refuse("--output", "name a file", output, way_out=way_out, error=SearchError)
    stored = studies_to_read(home, storage, tracking_uri)
    line = partial(_portable, tracking_uri=tracking_uri, storage=storage)
    path = Path(output or (f"{studies[0]}.html" if len(studies) == 1 else _SEVERAL))
    with waiting("Writing the report …"):
        chapters = [
            Chapter(study=stored.record_now(name), evidence=_evidence(stored, name), command=line)
            for name in studies
        ]
        size = write_report(chapters, path)
    if as_json:
        emit({"path": str(path.absolute()), "bytes": size, "studies": list(studies)})
    else:
        of = studies[0] if len(studies) == 1 else f"{len(studies)} studies"
        shown = visible(str(path))
        console().print(f"Wrote the report of {of} to {shown} ({size / 1e6:.1f} MB).")
    if opens and has_browser():
        webbrowser.open(path.absolute().as_uri())
    elif opens:
        console(as_json).print("There is no browser to open it in: copy it, or open it elsewhere.")
    return 0


def _portable(*words: str, **stores: str | None) -> str:
    """A command as others can give it: without this machine's home and path of the program."""
    return shell_line("trialbook", *words, *options_of(**stores))


def _evidence(studies: Studies, name: str) -> Evidence | None:
    """What was decided of a study, or None."""
    from search.storage.study_attributes import verdict_of

    plain = verdict_of(studies.get(name))
    if plain is None:
        return None
    from search.verdict.report import evidence
    from search.verdict.verdict import Verdict

    return evidence(Verdict.from_json(plain))
