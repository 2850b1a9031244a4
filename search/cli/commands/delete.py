"""`trialbook delete`: delete a study from Optuna's and MLflow's store."""

from __future__ import annotations

import sys
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
    waiting,
)
from search.cli.exits import DOES_NOT_HOLD
from search.errors import SearchError


@click.command(epilog="Example: trialbook delete sample --yes")
@click.argument("study")
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
@click.option(
    "--lost-record", is_flag=True, help="Delete the study although its record in MLflow is lost."
)
@store_options
@home_option
@json_option
def command(
    study: str,
    yes: bool,
    lost_record: bool,
    home: Path,
    tracking_uri: str | None,
    storage: str | None,
    as_json: bool,
) -> int:
    """Delete STUDY with its trials, runs and models from Optuna's storage and MLflow's store."""
    from search.storage.deletion import delete_study

    studies = open_studies(home, storage, tracking_uri)
    stored = studies.get(study)
    trials = len(stored.get_trials(deepcopy=False))
    question = f"Delete study {study} with {count_of(trials, 'trial')}, its runs and models?"
    if not yes and not _agrees(question):
        if as_json:
            emit({"study": study, "deleted": False})
        else:
            console().print("Nothing deleted.")
        return DOES_NOT_HOLD
    with waiting(f"Deleting {study} …"):
        left = delete_study(studies, stored, lost_record=lost_record)
    if as_json:
        emit({"study": study, "deleted": True, "trials": trials, "left": left})
        return 0
    console().print(f"Deleted {study} from both stores.")
    if left:
        things = "1 run, model or trace" if left == 1 else f"{left} runs, models or traces"
        console().print(f"Left {things} in its experiment in MLflow, which Trialbook did not make.")
    return 0


def _agrees(question: str) -> bool:
    """Whether the user answers the question with "y" or "yes".

    The answer is a line of standard input. The question is printed only where that is a terminal.
    """
    if sys.stdin.isatty():
        click.echo(f"{question} [y/N]: ", err=True, nl=False)
    answer = sys.stdin.readline()
    if not answer:
        raise SearchError(
            "`delete` must be agreed to, but standard input ended without an answer. Use `--yes`."
        )
    return answer.strip().lower() in ("y", "yes")
