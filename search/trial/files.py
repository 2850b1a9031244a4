"""The temporary folder of a trial's files, and the files that show its curve."""

from __future__ import annotations

import contextlib
import csv
import shutil
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

from optuna.trial import FrozenTrial

from search.config.study import StudyConfig
from search.storage.trial_attributes import owner_of_trial, plan_of
from tracking import TrialRecord, draw_trial

_PREFIX = "trialbook-"


def make_folder() -> Path:
    """Make a new temporary folder for a trial's files; the caller removes it."""
    return Path(tempfile.mkdtemp(prefix=_PREFIX))


@contextlib.contextmanager
def temporary_folder() -> Iterator[Path]:
    """Make a temporary folder for a trial's files, and remove it when the block ends."""
    folder = make_folder()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def write_curve(
    record: TrialRecord, folder: Path, config: StudyConfig, *, picture: bool = True
) -> None:
    """Write a trial's epochs as `history.csv` and `learning_curve.png`, if it has any epochs.

    Args:
        record: The trial.
        folder: Where the files go.
        config: The study, whose per-epoch number the picture shows.
        picture: Whether to draw the picture, which takes about 0.06 s.
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
    if picture:
        path = folder / "learning_curve.png"
        draw_trial(record, path, monitor=config.monitor, minimize=config.sign > 0)


def folder_left_behind(trial: FrozenTrial) -> Path | None:
    """The temporary folder that a dead process left for its trial, or None.

    The caller deletes the folder, so that only one is returned that Trialbook made on this machine.
    """
    here = (owner_of_trial(trial) or {}).get("host") == socket.gethostname()
    folder = Path(plan_of(trial).folder)
    ours = folder.name.startswith(_PREFIX) and folder.parent == Path(tempfile.gettempdir())
    return folder if here and ours and folder.is_dir() and not folder.is_symlink() else None
