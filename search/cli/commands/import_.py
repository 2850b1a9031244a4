"""`trialbook import`: copy a finished project of another program into a study."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from search.cli.common import (
    console,
    emit,
    home_option,
    json_option,
    open_studies,
    quiet_stderr,
    store_options,
    waiting,
)
from search.cli.help import option

_KINDS = ("keras-tuner",)


@click.command(epilog="Example: trialbook import keras-tuner my_dir/my_project --study mine")
@click.argument("kind", type=click.Choice(_KINDS), expose_value=False)
@click.argument("folder", type=click.Path(path_type=Path))
@option("--study", shown="that of FOLDER", help="Name of the new study.")
@click.option("--objective", help="NAME:min or NAME:max, if the project does not name it.")
@click.option("--model", help="module:HyperModel with which `trialbook search` can go on.")
@click.option("--epochs", type=int, help="Most epochs that its trials had; needed with `--model`.")
@store_options
@home_option
@json_option
def command(
    folder: Path,
    study: str | None,
    objective: str | None,
    model: str | None,
    epochs: int | None,
    home: Path,
    storage: str | None,
    tracking_uri: str | None,
    as_json: bool,
) -> int:
    """Make a study of the finished project in FOLDER; each trial becomes a run in MLflow."""
    with waiting("Loading Keras Tuner …"), quiet_stderr():  # it imports TensorFlow, which chatters
        from search.oracle.project import import_project

    studies = open_studies(home, storage, tracking_uri)
    found = import_project(
        folder, studies, study=study, objective=objective, model=model, epochs=epochs
    )
    if as_json:
        emit(asdict(found))
        return 0
    best = "" if found.best is None else f" Best: trial {found.best}, {found.value:.4f}."
    left = f", {found.unfinished} not ended and left out" if found.unfinished else ""
    console().print(
        f"Study {found.study} ({found.objective}): {found.complete} complete and {found.failed} "
        f"failed trials{left}.{best}"
    )
    return 0
