"""`trialbook worker`: join in a study that is stored on a server, from any machine."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from search.cli.common import (
    GOES_ON,
    INTERRUPTED,
    console,
    emit,
    home_option,
    json_option,
    open_studies,
)
from search.cli.study_options import some_options
from search.config.study import StudyConfig
from search.errors import SearchError

if TYPE_CHECKING:
    from search.storage.studies import Studies

_SETTINGS = ("data", "timeout_s", "workers", "threads", "storage", "tracking_uri")
_ASKS_EVERY_S = 1.0


@click.command(
    epilog="Example: trialbook worker movies --storage postgresql://me@host/optuna "
    "--tracking-uri http://host:5000"
)
@click.argument("study")
@some_options(*_SETTINGS)
@click.option("--test", help="File of the test part, where ratings came split already.")
@click.option("--valid", help="File of their validation part.")
@click.option(
    "--wait", default=0.0, metavar="SECONDS", help="Wait so long for the study to be there."
)
@home_option
@json_option
def command(study: str, home: Path, as_json: bool, wait: float, **flags: Any) -> int:
    """Train trials of STUDY beside others, until it has its target of trials.

    The study must be there: `trialbook search` begins it. All its settings are stored with it; of
    this machine's are only how many workers it runs, and where it finds the ratings.
    """
    studies = open_studies(home, flags["storage"], flags["tracking_uri"])
    config = _settings(studies, study, wait)
    config = config.override(**{key: value for key, value in flags.items() if value is not None})
    if studies.address is not None and config.tracking_uri is None and not studies.store.exists():
        raise SearchError(
            f"The record of `{study}` must be one for all, but it is in the home of the process "
            f"that began the study, and {home} is another. Keep it where all reach it: begin the "
            "study with `--tracking-uri`, and name that here too."
        )
    from search.cli.live import LiveProgress, steady_console
    from search.study.request import Request
    from search.study.run import run_in

    with LiveProgress(steady_console()) as progress:
        result = run_in(studies, config, progress, Request(joins=True))
    if as_json:
        emit(result.to_json())
    else:
        from search.cli.summary import print_share

        print_share(result, config)
    if result.interrupted:
        console(as_json).print(GOES_ON)
        return INTERRUPTED
    return 0


def _settings(studies: Studies, name: str, wait_s: float) -> StudyConfig:
    """The stored settings of a study, without what is of the machine that stored them."""
    from search.storage.study_attributes import config_of

    latest = time.monotonic() + wait_s
    while True:
        try:
            stored = config_of(studies.get(name))
            break
        except SearchError:
            if time.monotonic() > latest:
                raise
            time.sleep(_ASKS_EVERY_S)
    usual = StudyConfig()
    return stored.at(
        storage=None, workers=usual.workers, threads=usual.threads, timeout_s=usual.timeout_s
    )
