"""`trialbook show`: print one study, or one trial of a study."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from search.cli.common import (
    console,
    emit,
    home_option,
    json_option,
    short,
    store_options,
    studies_to_read,
    table,
)
from tracking import StudyRecord, TrialRecord
from tracking.tags import PREFIX


@click.command(epilog="Example: trialbook show sample 7")
@click.argument("study")
@click.argument("number", required=False, type=int)
@store_options
@home_option
@json_option
def command(
    study: str,
    number: int | None,
    home: Path,
    storage: str | None,
    tracking_uri: str | None,
    as_json: bool,
) -> int:
    """Show STUDY and its trials, or the trial of that NUMBER."""
    record = studies_to_read(home, storage, tracking_uri).record_now(study)
    if number is None:
        _show_study(record, as_json)
    else:
        _show_trial(find_trial(record, number), as_json)
    return 0


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


def _show_study(record: StudyRecord, as_json: bool) -> None:
    if as_json:
        emit(
            {
                "study": record.name,
                "objective": record.objective,
                "direction": record.direction,
                "experiment_id": record.experiment_id,
                "parent_run_id": record.parent_run_id,
                "data": record.dataset.name if record.dataset else None,
                "data_hash": record.dataset.content_hash if record.dataset else None,
                "importances": dict(record.importances),
                "trials": [trial_json(trial) for trial in record.trials],
            }
        )
        return
    out = console()
    out.print(record.description.replace("**", "").replace("\n\n", "\n"))
    rows = []
    for trial in record.trials:
        label = f"{trial.number}" + (" baseline" if trial.is_baseline else "")
        value = f"{trial.value:.4f}" if trial.value is not None else ""
        seconds = trial.metrics.get("seconds_total")
        rows.append(
            [label, trial.state, trial.end_reason, value, str(len(trial.epochs)), short(seconds)]
        )
    columns = ["trial", "state", "end", record.objective, "epochs", "seconds"]
    out.print(table(f"Trials of {record.name}", columns, rows))


def _show_trial(trial: TrialRecord, as_json: bool) -> None:
    if as_json:
        emit(trial_json(trial) | {"curve": [dict(e.metrics) for e in trial.epochs]})
        return
    rows = [["state", trial.state], ["end", trial.end_reason], ["run", trial.run_id or ""]]
    if trial.message:
        rows.append(["message", trial.message])
    rows += [[name, short(value)] for name, value in trial.params.items()]
    rows += [[name, f"{value:.6g}"] for name, value in trial.metrics.items()]
    rows += [[name.removeprefix(PREFIX), value] for name, value in trial.tags.items()]
    console().print(table(f"Trial {trial.number} of {trial.study}", ["what", "value"], rows))


def trial_json(trial: TrialRecord) -> dict[str, Any]:
    """Convert a trial to plain values for JSON."""
    return {
        "number": trial.number,
        "state": trial.state,
        "end_reason": trial.end_reason,
        "message": trial.message,
        "value": trial.value,
        "params": dict(trial.params),
        "metrics": dict(trial.metrics),
        "tags": dict(trial.tags),
        "epochs": len(trial.epochs),
        "run_id": trial.run_id,
    }
