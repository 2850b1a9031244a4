"""What is known of a trial whose end was not its own: its figures, its files, its record."""

from __future__ import annotations

import csv
import math
import shutil
import socket
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import optuna

from search.config.study import StudyConfig
from search.storage.owner import OWNER
from search.storage.trials import PLAN, orphans, requeue, trial_record
from tracking import KILLED, EpochRecord, Recorder, TrialRecord, draw_trial

_PREFIX = "trialbook-"


def make_folder() -> Path:
    """A new folder for a trial's files."""
    return Path(tempfile.mkdtemp(prefix=_PREFIX))


def so_far(config: StudyConfig, epochs: Sequence[EpochRecord]) -> dict[str, float]:
    """Figures of the epochs of a trial that did not come to its end.

    Args:
        config: Its study.
        epochs: All that were reported.

    Returns:
        `epochs_run` and `seconds_train`, and where an epoch has a finite value the best of them as
        `lowest_` or `highest_` with the monitor's name. It is not under the objective's name, so
        that the trial never ranks among those that came to their end.
    """
    figures = {"epochs_run": float(len(epochs)), "seconds_train": sum(e.seconds for e in epochs)}
    values = [e.metrics.get(config.monitor, math.nan) for e in epochs]
    finite = [value for value in values if math.isfinite(value)]
    if finite:
        which = "lowest" if config.sign > 0 else "highest"
        figures[f"{which}_{config.monitor}"] = min(finite, key=lambda value: config.sign * value)
    return figures


def write_curve(record: TrialRecord, folder: Path, *, monitor: str) -> None:
    """Write a trial's epochs as `history.csv` and as `learning_curve.png`; nothing without any."""
    if not record.epochs:
        return
    names = list(dict.fromkeys(name for epoch in record.epochs for name in epoch.metrics))
    with (folder / "history.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["epoch", *names, "seconds"])
        for epoch in record.epochs:
            figures = [epoch.metrics.get(name, "") for name in names]
            writer.writerow([epoch.epoch, *figures, epoch.seconds])
    draw_trial(record, folder / "learning_curve.png", monitor=monitor)


def close_cut(recorder: Recorder, record: TrialRecord, folder: Path, *, monitor: str) -> None:
    """Close the run of a trial that was cut short, with the files it left but no model."""
    write_curve(record, folder, monitor=monitor)
    shutil.rmtree(folder / "model", ignore_errors=True)
    recorder.kill_trial(record, folder=folder)


def reclaim(study: optuna.Study, config: StudyConfig, recorder: Recorder) -> list[int]:
    """Close the trials that a process left behind, and queue their configurations again.

    The epochs are read back from the record, where they were written while the trial trained;
    the files are taken from the trial's folder, where it is on this machine.

    Returns:
        The trials' numbers.
    """
    numbers = []
    for trial in orphans(study):
        record = trial_record(study.study_name, trial, config.monitor)
        epochs = recorder.curve(record.run_id) if record.run_id else ()
        record = replace(
            record,
            state=KILLED,
            end_reason="interrupted",
            epochs=epochs,
            metrics=so_far(config, epochs),
        )
        requeue(study, trial, record)
        folder = _left_behind(trial.user_attrs) or make_folder()
        try:
            close_cut(recorder, record, folder, monitor=config.monitor)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        numbers.append(trial.number)
    return numbers


def _left_behind(attributes: Mapping[str, Any]) -> Path | None:
    """The folder of a trial whose process is gone, if it is one that we made on this machine."""
    here = (attributes.get(OWNER) or {}).get("host") == socket.gethostname()
    folder = Path(str((attributes.get(PLAN) or {}).get("folder", "")))
    ours = folder.name.startswith(_PREFIX) and folder.parent == Path(tempfile.gettempdir())
    return folder if here and ours and folder.is_dir() and not folder.is_symlink() else None
