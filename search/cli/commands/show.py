"""`trialbook show`: print one study, or one trial of a study."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from search.cli.common import (
    command_line,
    emit,
    home_option,
    json_option,
    store_options,
    studies_to_read,
    waiting,
)
from search.cli.help import option
from search.cli.trial_columns import named_columns
from search.cli.trial_tables import in_order, show_study, show_trial
from search.config.parsing import names
from tracking import StudyRecord, TrialRecord, study_page


@click.command(epilog="Example: trialbook show sample 7")
@click.argument("study")
@click.argument("number", required=False, type=int)
@option(
    "--sort",
    type=click.Choice(("value", "number", "seconds")),
    shown="value; with --json number",
    help="Order of the trials: the best first, by number, or the longest first.",
)
@option(
    "--columns",
    metavar="NAMES",
    shown="those that matter most",
    callback=lambda context, parameter, given: None if given is None else names(given),
    help="Parameters and figures to show, or say end, epochs and seconds, separated by commas; "
    "with --json, too.",
)
@click.option(
    "--all",
    "everything",
    is_flag=True,
    help="Show all tags of a trial, such as versions and machine.",
)
@store_options
@home_option
@json_option
def command(
    study: str,
    number: int | None,
    sort: str | None,
    columns: list[str] | None,
    everything: bool,
    home: Path,
    storage: str | None,
    tracking_uri: str | None,
    as_json: bool,
) -> int:
    """Show STUDY and its trials, or the trial of that NUMBER.

    The trials of a study are ranked, with the parameters that matter most. A single trial is shown
    with its rank, its distance to the baseline, its configuration, its curve, its files and its
    model.
    """
    from search.prediction.outputs import outputs_of
    from search.storage.study_attributes import config_of

    _check(number, {"--sort": sort, "--columns": columns}, everything=everything)
    with waiting("Reading the study …"):
        studies = studies_to_read(home, storage, tracking_uri)
        record = studies.record_now(study)
    if number is not None:
        trial = find_trial(record, number)
        left = outputs_of(studies, record, trial)
        if as_json:
            curve = [dict(epoch.metrics) for epoch in trial.epochs]
            emit(trial_json(trial) | {"curve": curve} | left.to_json())
        else:
            opens = command_line(
                home, "ui", study, str(number), tracking_uri=tracking_uri, storage=storage
            )
            show_trial(record, trial, left, opens=opens, everything=everything)
        return 0
    trials = in_order(record, sort or ("number" if as_json else "value"))
    if as_json:
        address = studies.address_of(config_of(studies.get(study)))
        url = study_page(address, record.experiment_id)
        emit({"url": url} | _study_json(record, trials, columns))
    else:
        one = str(trials[0].number) if trials else ""
        whole = command_line(home, "show", study, one, tracking_uri=tracking_uri, storage=storage)
        show_study(record, trials, columns, sort=sort or "value", show=whole)
    return 0


def _check(number: int | None, of_all: Mapping[str, object], *, everything: bool) -> None:
    """Refuse options that would be ignored."""
    from search.errors import SearchError

    if number is None and everything:
        raise SearchError(
            "`--all` goes with the number of a trial, whose tags it shows, but got none. Name a "
            "trial, or leave it out."
        )
    for name, given in of_all.items():
        if number is not None and given is not None:
            raise SearchError(
                f"`{name}` goes with all trials of a study, but got the trial {number}. Leave one "
                "of the two out."
            )


def find_trial(record: StudyRecord, number: int) -> TrialRecord:
    """Find the trial of a study that has the given number.

    Raises:
        SearchError: There is none.
    """
    from search.errors import SearchError

    trial = record.trial(number)
    if trial is not None:
        return trial
    known = f"0 to {record.trials[-1].number}" if record.trials else "none yet"
    raise SearchError(
        f"A trial's number must be one of study {record.name}'s ({known}), but got {number}."
    )


def _study_json(
    record: StudyRecord, trials: Sequence[TrialRecord], columns: Sequence[str] | None
) -> dict[str, Any]:
    chosen = None if columns is None else [*named_columns(record, columns), *_figures(columns)]
    return {
        "study": record.name,
        "objective": record.objective,
        "direction": record.direction,
        "experiment_id": record.experiment_id,
        "parent_run_id": record.parent_run_id,
        "data": record.dataset.name if record.dataset else None,
        "data_hash": record.dataset.content_hash if record.dataset else None,
        "importances": dict(record.importances) if record.tells_importances else None,
        "trials": [trial_json(trial, chosen) for trial in trials],
    }


def _figures(columns: Sequence[str]) -> list[str]:
    """Figures behind columns that are shown by another name."""
    return ["seconds_total"] if "seconds" in columns else []


def trial_json(trial: TrialRecord, columns: Sequence[str] | None = None) -> dict[str, Any]:
    """Convert a trial to plain values for JSON.

    Args:
        trial: The trial.
        columns: Parameters and figures that it has then; None for all.
    """

    def chosen(values: Mapping[str, Any]) -> dict[str, Any]:
        names = values if columns is None else columns
        return {name: values[name] for name in names if name in values}

    return {
        "number": trial.number,
        "state": trial.state,
        "end_reason": trial.end_reason,
        "message": trial.message,
        "value": trial.value,
        "params": chosen(trial.params),
        "metrics": chosen(trial.metrics),
        "tags": dict(trial.tags),
        "epochs": len(trial.epochs),
        "run_id": trial.run_id,
    }
