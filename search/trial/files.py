"""The folder of a trial's files, and the files that show its curve."""

from __future__ import annotations

import csv
from pathlib import Path

from search.config.study import StudyConfig
from search.storage.trial_folders import EPOCHS
from tracking import COMPLETE, FAILED, Picture, TrialRecord, without_password

_FILES = "files"
_LOG = "log.txt"
_KEPT_OF_LOG = 4000
_LONG_S = 4.0


def write_curve(record: TrialRecord, folder: Path) -> None:
    """Write a trial's epochs as `history.csv`, if it has any.

    Args:
        record: The trial.
        folder: Where the file goes.
    """
    if not record.epochs:
        return
    names = list(dict.fromkeys(name for epoch in record.epochs for name in epoch.metrics))
    with (folder / "history.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["epoch", *names, "seconds"])
        for epoch in record.epochs:
            figures = [epoch.metrics.get(name, "") for name in names]
            writer.writerow([epoch.epoch, *figures, epoch.seconds])


def write_log(folder: Path, text: str) -> None:
    """Write the last of what a trial's process printed as `log.txt`, if it printed anything.

    Args:
        folder: Where the file goes.
        text: What was printed. Passwords of addresses in it are hidden.
    """
    if text:
        hidden = "\n".join(map(without_password, text.split("\n")))
        (folder / _LOG).write_text(hidden, encoding="utf-8")


def end_of_log(folder: Path) -> str:
    """The last characters of a trial's `log.txt`, for Optuna's storage; empty where it has none."""
    path = folder / _LOG
    return path.read_text(encoding="utf-8")[-_KEPT_OF_LOG:] if path.is_file() else ""


def picture_of(config: StudyConfig) -> Picture:
    """How the learning curves of a study's trials are drawn."""
    return Picture(monitor=config.monitor, minimize=config.sign > 0)


def is_drawn(record: TrialRecord, config: StudyConfig, ahead: float | None) -> bool:
    """Whether a trial's curve is drawn as a picture; MLflow shows the curves of all trials.

    Of the trials that were trained in less than four seconds, whose record would take longer by a
    third, only those are drawn that someone will look at: the baseline, each one that is the best
    so far, and those that failed.

    Args:
        record: The trial, which ended.
        config: Its study.
        ahead: The best value of the trials before it, or None.
    """
    short = record.metrics.get("seconds_total", 0.0) < _LONG_S
    if not short or record.is_baseline or record.state == FAILED:
        return True
    if record.state != COMPLETE or record.value is None or record.is_beyond:
        return False
    return ahead is None or config.sign * record.value < config.sign * ahead


def gathered(folder: Path) -> Path:
    """Move the files that a trial's record keeps into a folder of their own, without its models.

    Args:
        folder: The trial's.

    Returns:
        The folder in it that holds them.
    """
    files = folder / _FILES
    files.mkdir(exist_ok=True)
    for path in folder.iterdir():
        if path.is_file() and path.name != EPOCHS:
            path.rename(files / path.name)
    return files
