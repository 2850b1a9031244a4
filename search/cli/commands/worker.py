"""`trialbook worker`: join in a study that is stored on a server, from any machine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from models.checks import require
from search.cli.common import (
    GOES_ON,
    code_options,
    console,
    emit,
    ends_in_s,
    home_option,
    json_option,
    open_studies,
    quiet_option,
)
from search.cli.exits import INTERRUPTED
from search.cli.help import GroupedCommand, option
from search.cli.study_options import some_options
from search.config.sections import DATA, STUDY
from search.errors import SearchError

_SETTINGS = ("data", "timeout_s", "workers", "threads", "storage", "tracking_uri")


@click.command(
    cls=GroupedCommand,
    epilog="Example: trialbook worker movies --storage postgresql://me@host/optuna "
    "--tracking-uri http://host:5000",
)
@click.argument("study")
@some_options(*_SETTINGS)
@code_options
@option("--test", group=DATA, help="File with the test part, if the ratings come already split.")
@option("--valid", group=DATA, help="File with the validation part.")
@option(
    "--wait",
    group=STUDY,
    default=0.0,
    show_default=True,
    metavar="SECONDS",
    help="Longest time to wait for a study that does not exist yet.",
)
@quiet_option
@home_option
@json_option
def command(study: str, home: Path, as_json: bool, quiet: bool, wait: float, **flags: Any) -> int:
    """Train trials of STUDY beside other processes, until it has its target of trials.

    `trialbook search` has to begin the study first. The study's settings are stored with it. The
    options here say what differs on this machine, such as the number of trials at the same time or
    the place of the ratings. A model or data of your own must be named again: others can write to
    the database, and a name there must not be enough to have code imported.
    """
    from search.study.joining import settings_of

    require(wait >= 0, "--wait", "be a number of seconds, 0 or more", wait, error=SearchError)
    studies = open_studies(home, flags["storage"], flags["tracking_uri"])
    config = settings_of(studies, study, flags, wait)
    from search.cli.live import LiveProgress, steady_console
    from search.study.request import Request
    from search.study.run import run_in

    with LiveProgress(steady_console(plain=quiet), quiet=quiet) as progress:
        asked = Request(joins=True, owns_process=True, ends_in_s=ends_in_s())
        result = run_in(studies, config, progress, asked)
    if as_json:
        emit(result.to_json())
    else:
        from search.cli.summary import print_share

        print_share(result, config)
    if result.interrupted:
        console(as_json).print(GOES_ON)
        return INTERRUPTED
    return 0
