"""`trialbook search`: run a new study, or resume a stored one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from search.cli.common import (
    GOES_ON,
    console,
    emit,
    ends_in_s,
    home_option,
    json_option,
    open_studies,
    quiet_option,
    studies_to_read,
)
from search.cli.engine_options import crew_of, engine_options, ray_options
from search.cli.exits import DOES_NOT_HOLD, INTERRUPTED
from search.cli.help import OUTPUT, GroupedCommand, option
from search.cli.notify_options import notified, notify_option, telling
from search.cli.source_options import SOURCE_NAMES, source_options
from search.cli.study_options import study_options
from search.config.sections import SEARCH
from search.config.shipped import study_file_of
from search.config.study import StudyConfig
from search.config.toml import read_toml

if TYPE_CHECKING:
    from search.storage.studies import Studies


def _meant(context: click.Context, parameter: click.Parameter, given: Path | None) -> Path | None:
    return None if given is None else study_file_of(given)


@click.command(
    cls=GroupedCommand,
    epilog="Example: trialbook search --study first --trials 20 --data movielens --timeout 600",
)
@click.argument("study_file", required=False, type=click.Path(path_type=Path), callback=_meant)
@study_options
@source_options
@option(
    "--enqueue",
    group=SEARCH,
    type=click.Path(path_type=Path),
    help="File of configurations to try first (JSON or TOML).",
)
@option(
    "--widen",
    group=SEARCH,
    is_flag=True,
    help="Continue after the space has changed, with the trials that still fit.",
)
@engine_options
@notify_option
@option(
    "--dry-run",
    group=OUTPUT,
    is_flag=True,
    help="List the space and estimate the cost; run nothing.",
)
@quiet_option
@home_option
@json_option
def command(
    study_file: Path | None,
    home: Path,
    as_json: bool,
    quiet: bool,
    dry_run: bool,
    enqueue: Path | None,
    widen: bool,
    notify: tuple[str, ...],
    no_user_filter: bool,
    **flags: Any,
) -> int:
    """Run a study, or resume it if it is stored.

    STUDY_FILE (TOML) describes the study. It may also be the name of a study that comes with
    Trialbook: factors, sample. Without a file, the settings are those of the stored study that
    `--study` names, or else those of the default study. Each option replaces one setting.

    The defaults below are those of the default study.
    """
    opened = studies_to_read if dry_run else open_studies
    studies = opened(home, flags["storage"], flags["tracking_uri"])
    options = ray_options(flags)
    config = resolve(study_file, studies, flags, no_user_filter=no_user_filter)
    from search.space.configurations import read_configurations
    from search.study.request import Request

    wanted, places = read_configurations(enqueue) if enqueue else (), notified(notify)
    named = {} if study_file is None else read_toml(study_file)
    unnamed = {key for key in flags if flags[key] is None} - set(named)
    asked = Request(enqueue=wanted, widen=widen, unnamed=unnamed)
    if dry_run:
        from search.cli.dry_run import show_plan

        return show_plan(config, studies, asked, as_json=as_json)
    from search.cli.live import LiveProgress, steady_console
    from search.study.run import run_in

    with (
        LiveProgress(steady_console(plain=quiet), quiet=quiet) as shown,
        telling(places, config.name, shown) as (progress, tell_end),
        crew_of(options) as crew,
    ):
        request = replace(asked, crew=crew, owns_process=True, ends_in_s=ends_in_s())
        result = run_in(studies, config, progress, request)
        tell_end(result)
    if as_json:
        emit(result.to_json())
        if result.interrupted:
            console(True).print(GOES_ON)
    else:
        from search.cli.summary import print_summary

        print_summary(result, config, home, plain=quiet)
    if result.interrupted:
        return INTERRUPTED
    return 0 if result.best is not None else DOES_NOT_HOLD


def resolve(
    study_file: Path | None, studies: Studies, flags: dict[str, Any], *, no_user_filter: bool
) -> StudyConfig:
    """The settings of the study that the command line asks for.

    They come from a study file, else from a stored study of that name, else from the default study.
    The flags that were given replace single settings.
    """
    given = {key: value for key, value in flags.items() if value is not None}
    if study_file is not None:
        base = StudyConfig.from_toml(study_file)
        if "pruner" in read_toml(study_file):  # then several goals do not silently switch it off
            given.setdefault("pruner", base.pruner)
    else:
        base = _stored(studies, flags) or StudyConfig.default()
    if no_user_filter:
        given["user_filter"] = False
    assert set(SOURCE_NAMES) <= set(flags)
    return base.override(**given)


def _stored(studies: Studies, flags: dict[str, Any]) -> StudyConfig | None:
    """The settings of the stored study that the flags name, if there is one."""
    name = flags.get("name") or StudyConfig.default().name
    if studies.address is None and not studies.store.optuna_db.exists():
        return None
    from search.storage.study_attributes import config_of
    from search.study.joining import require_named

    study = studies.find(name)
    if study is None:
        return None
    config = config_of(study)
    if studies.address is not None:
        require_named(config, studies, flags)
    # Where it was kept earlier does not matter: this is where it is now.
    return config.at(storage=None)
