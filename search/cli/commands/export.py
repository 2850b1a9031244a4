"""`trialbook export`: write a study's trials to a file for other programs."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path

import click

from models.checks import count_of, refuse
from search.cli.common import (
    console,
    emit,
    home_option,
    json_option,
    quiet_stderr,
    store_options,
    studies_to_read,
    waiting,
)
from search.cli.help import option
from search.errors import SearchError
from search.export import FORMATS
from tracking.scratch import scratch_folder
from tracking.texts import visible

_SUFFIX = {"csv": "csv", "parquet": "parquet", "json": "json", "keras-tuner": "json"}


@click.command(epilog="Example: trialbook export sample --format parquet --output trials.parquet")
@click.argument("study")
@click.option(
    "--format",
    "kind",
    type=click.Choice(FORMATS),
    default="csv",
    show_default=True,
    help="Format of the file.",
)
@option(
    "--output",
    shown="STUDY.csv, STUDY.parquet or STUDY.json",
    help="File to write; - for standard output.",
)
@option(
    "--trial",
    "number",
    type=int,
    shown="all; for keras-tuner the best",
    help="Number of a single trial to write.",
)
@store_options
@home_option
@json_option
def command(
    study: str,
    kind: str,
    output: str | None,
    number: int | None,
    home: Path,
    storage: str | None,
    tracking_uri: str | None,
    as_json: bool,
) -> int:
    """Write the trials of STUDY as a table, or one trial as Keras Tuner's HyperParameters."""
    from search.export import export
    from search.storage.records import study_record
    from search.storage.study_attributes import space_of

    is_stdout = output == "-"
    if is_stdout and as_json:
        raise SearchError(
            "Standard output must hold one thing, but `--output -` and `--json` both write there. "
            "Leave one out."
        )
    if not is_stdout and (output or "").startswith("-"):
        refuse(
            "--output",
            "name a file, not another option",
            output,
            way_out=f"A file of such a name is ./{output}.",
            error=SearchError,
        )
    stored = studies_to_read(home, storage, tracking_uri).get(study)
    path = Path(output or f"{study}.{_SUFFIX[kind]}")
    with scratch_folder("export") as folder:
        written = folder / "export" if is_stdout else path
        needs_keras = kind == "keras-tuner"
        with (
            waiting("Loading Keras Tuner …" if needs_keras else "Writing the trials …"),
            quiet_stderr() if needs_keras else contextlib.nullcontext(),  # of TensorFlow
        ):
            record, space = study_record(stored, weighs=False), space_of(stored)
            count = export(record, space, kind, written, number)
        if is_stdout:
            sys.stdout.buffer.write(written.read_bytes())
            return 0
    if as_json:
        emit({"study": study, "format": kind, "output": str(path), "trials": count})
    else:
        console().print(f"Wrote {count_of(count, 'trial')} to {visible(str(path))}.")
    return 0
