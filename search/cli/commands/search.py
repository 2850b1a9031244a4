"""`trialbook search`: run a study, or go on with it."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import click

from models.config import TRAINERS
from search.cli.common import (
    DOES_NOT_HOLD,
    GOES_ON,
    INTERRUPTED,
    SOURCE_NAMES,
    console,
    emit,
    home_option,
    json_option,
    open_store,
    source_options,
    store_options,
)
from search.config.options import PRUNERS, SAMPLERS
from search.config.study import DUPLICATES, KEEP_MODELS, SPLITS, StudyConfig


def _number(context: click.Context, parameter: click.Parameter, value: str | None) -> Any:
    """A whole number as one; anything else as it is, for the study's own rule."""
    return int(value) if value is not None and value.isdecimal() else value


def _options(
    context: click.Context, parameter: click.Parameter, given: tuple[str, ...]
) -> dict[str, Any] | None:
    """NAME=VALUE as a study file's table would hold it; None where there is none."""
    found = {}
    for each in given:
        name, equals, value = each.partition("=")
        if not equals or not name:
            raise click.BadParameter(f"it must be NAME=VALUE, but got {each!r}.")
        try:
            found[name] = tomllib.loads(f"value = {value}")["value"]
        except tomllib.TOMLDecodeError:
            found[name] = value
    return found or None


def _names(
    context: click.Context, parameter: click.Parameter, given: str | None
) -> list[str] | None:
    """Names between commas as a list."""
    return None if given is None else [name.strip() for name in given.split(",")]


def _stages(
    context: click.Context, parameter: click.Parameter, given: str | None
) -> list[list[float]] | None:
    """SHARE:EPOCHS between commas as a study file would hold them."""
    if given is None:
        return None
    try:
        pairs = [each.split(":") for each in given.split(",")]
        return [[float(share), int(epochs)] for share, epochs in pairs]
    except ValueError:
        raise click.BadParameter(
            f"it must be SHARE:EPOCHS between commas, say 0.1:15,0.3:15, but got {given!r}."
        ) from None


_OPTIONS: dict[str, Any] = {"multiple": True, "metavar": "NAME=VALUE", "callback": _options}


@click.command(
    epilog="Example: trialbook search --study first --trials 20 --data movielens --timeout 600"
)
@click.argument("study_file", required=False, type=click.Path(path_type=Path))
@click.option("--study", "name", help="Name of the study.")
@click.option("--trials", type=int, help="Target of finished trials, earlier ones counted.")
@click.option("--timeout", "timeout_s", type=float, help="Wall time in seconds.")
@click.option("--target-rmse", "target", type=float, help="Stop once a trial is this good.")
@click.option("--regret", type=float, help="Stop once a longer search most likely gains less.")
@click.option(
    "--objectives", callback=_names, help="Goals: val_rmse,parameters,seconds,memory (some)."
)
@click.option("--max-parameters", type=int, help="Most weights of a model.")
@click.option(
    "--max-seconds-per-trial", "max_seconds", type=float, help="Most seconds of training a trial."
)
@click.option("--max-memory", "max_memory_mb", type=float, help="Most memory of a trial, in MB.")
@click.option("--repeats", type=int, help="Seeds a trial is trained with; its value is the mean.")
@click.option("--folds", type=int, help="Cross-validate each trial inside the train part.")
@click.option(
    "--grow", "growth", callback=_stages, help="Growing row samples: SHARE:EPOCHS,SHARE:EPOCHS …"
)
@click.option(
    "--recipes/--no-recipes",
    default=None,
    help="Begin a new study with published configurations (default), or not.",
)
@click.option("--warm-start", help="Earlier study that the sampler learns from.")
@click.option(
    "--duplicates",
    type=click.Choice(DUPLICATES),
    help="Reuse an equal trial's value, or repeat it.",
)
@click.option("--data", help="Source of the ratings: movielens, mubi:PATH, synthetic:0.1, a file …")
@source_options
@click.option("--split", type=click.Choice(SPLITS), help="Split protocol.")
@click.option("--model", help="ratings, baseline, as-written, or module:HyperModel.")
@click.option("--objective", help="NAME:min or NAME:max, for a HyperModel of your own.")
@click.option("--sampler", type=click.Choice(list(SAMPLERS)), help="Who proposes configurations.")
@click.option("--sampler-option", "sampler_options", **_OPTIONS, help="Optuna's name for it.")
@click.option("--pruner", type=click.Choice(list(PRUNERS)), help="Who ends hopeless trials.")
@click.option("--pruner-option", "pruner_options", **_OPTIONS, help="Optuna's name for it.")
@click.option("--seed", type=int, help="Seed of sampler, trials and splits.")
@click.option("--epochs", type=int, help="Most epochs a trial.")
@click.option("--workers", callback=_number, help="Trials trained at once, or auto.")
@click.option("--threads", type=int, help="Threads a trial.")
@click.option("--trainer", type=click.Choice(TRAINERS), help="Ours, or Keras' own fit.")
@click.option("--keep-models", type=click.Choice(KEEP_MODELS), help="Whose models are kept.")
@click.option(
    "--enqueue", type=click.Path(path_type=Path), help="Configurations to try first (JSON, TOML)."
)
@click.option("--dry-run", is_flag=True, help="List the space and estimate the cost; run nothing.")
@store_options
@home_option
@json_option
def command(
    study_file: Path | None,
    home: Path,
    as_json: bool,
    dry_run: bool,
    enqueue: Path | None,
    no_user_filter: bool,
    **flags: Any,
) -> int:
    """Run the study of STUDY_FILE (TOML), of the flags, or the default one; again, it resumes."""
    config = resolve(study_file, home, flags, no_user_filter=no_user_filter)
    if dry_run:
        from search.cli.dry_run import show_plan

        return show_plan(config, home, as_json=as_json)
    from search.cli.live import LiveProgress, steady_console
    from search.space.configurations import read_configurations
    from search.study.run import run_study

    wanted = read_configurations(enqueue) if enqueue else ()
    with LiveProgress(steady_console()) as progress:
        result = run_study(config, home=home, progress=progress, enqueue=wanted)
    if as_json:
        emit(result.to_json())
        if result.interrupted:
            console(True).print(GOES_ON)
    else:
        from search.cli.summary import print_summary

        print_summary(result, config, home)
    if result.interrupted:
        return INTERRUPTED
    return 0 if result.best is not None else DOES_NOT_HOLD


def resolve(
    study_file: Path | None, home: Path, flags: dict[str, Any], *, no_user_filter: bool
) -> StudyConfig:
    """The study that the command line means: a file, a stored study by name, or the default."""
    if study_file is not None:
        base = StudyConfig.from_toml(study_file)
    else:
        base = _stored(home, flags) or _default(flags)
    given = {key: value for key, value in flags.items() if value is not None}
    if no_user_filter:
        given["user_filter"] = False
    assert set(SOURCE_NAMES) <= set(flags)
    return base.override(**given)


def _default(flags: dict[str, Any]) -> StudyConfig:
    """The default study; its `[space]` is of ratings, and goes where another model is named."""
    found = StudyConfig.default()
    return found if flags.get("model") in (None, found.model) else found.at(space={})


def _stored(home: Path, flags: dict[str, Any]) -> StudyConfig | None:
    name = flags.get("name") or StudyConfig.default().name
    store = open_store(home, flags.get("tracking_uri"))
    if not flags.get("storage") and not store.optuna_db.exists():
        return None
    from search.storage.studies import Studies
    from search.storage.study_attributes import config_of

    study = Studies(store, flags.get("storage")).find(name)
    return config_of(study) if study is not None else None
