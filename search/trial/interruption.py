"""Closes trials that were cut short, and queues their configurations again."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import optuna
from optuna.trial import FrozenTrial

from search.config.study import StudyConfig
from search.storage.queue import queue_forgotten, requeue
from search.storage.records import so_far, trial_record
from search.storage.trial_attributes import has_plan
from search.storage.trial_folders import EPOCHS, folder_left_behind, kept_epochs
from search.storage.trials import orphans
from search.trial.files import write_curve
from tracking import KILLED, EndReason, Recorder, TrialRecord, reference
from tracking.scratch import scratch_folder

Lost = Callable[[optuna.Study], list[FrozenTrial]]
"""Finds the trials of a study that are known to be trained by nobody."""


def close_cut(recorder: Recorder, record: TrialRecord, folder: Path) -> None:
    """Close the MLflow run of a trial that was cut short, with its files but no model.

    Args:
        recorder: Records the trial.
        record: The trial as far as it came, its state "killed".
        folder: The trial's folder; the models that it holds, one a fold or repeat, are deleted.
    """
    write_curve(record, folder)  # and no picture: someone may wait for the end
    (folder / EPOCHS).unlink(missing_ok=True)
    for path in folder.iterdir():
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
    recorder.kill_trial(record, folder=folder)


def reclaim(
    study: optuna.Study,
    config: StudyConfig,
    recorder: Recorder,
    spool: Path | None = None,
    *,
    lost: Sequence[FrozenTrial] | None = None,
) -> list[int]:
    """Close the trials of dead processes, and queue their configurations again.

    The caller holds the storage's lock, and has ended the leases of those that it knows to be gone.

    Args:
        study: Optuna's study.
        config: Its settings.
        recorder: Reads and writes its record.
        spool: The home's folder in which trials have theirs; None where they have temporary ones.
        lost: Trials that are known to be trained by nobody, though their owner lives; None where
            trials of this study do not get their owner under the same lock: then one without an
            owner may get it yet, and who closes a trial is left to queue it.

    Returns:
        The numbers of the trials that were closed.
    """
    is_locked = lost is not None
    left = [*orphans(study, is_locked=is_locked), *(lost or ())]
    closed = [t.number for t in left if close_left(study, t, config, recorder, spool)]
    forgotten = queue_forgotten(study, [t.number for t in lost or ()]) if is_locked else []
    return sorted({*closed, *forgotten})


def close_left(
    study: optuna.Study,
    trial: FrozenTrial,
    config: StudyConfig,
    recorder: Recorder,
    spool: Path | None = None,
) -> bool:
    """Close a trial that nobody trains any more, and queue its configuration again.

    The epochs and the files are taken from the trial's folder, where it is on this machine; else
    the epochs are read back from the record, where they were written while the trial trained.

    Args:
        study: Optuna's study.
        trial: The trial; Optuna still has it as running.
        config: The study's settings.
        recorder: Reads and writes the study's record.
        spool: As of `reclaim`.

    Returns:
        Whether it was closed; false where its end was told by now.
    """
    record = trial_record(study.study_name, trial, config.monitor, is_left=True)
    folder = folder_left_behind(trial, spool)
    epochs = kept_epochs(folder) if folder is not None else ()
    if not epochs and record.run_id:
        with contextlib.suppress(Exception):  # MLflow is away: what it has of the trial, it keeps
            epochs = recorder.curve(record.run_id)
    run_id = record.run_id or (reference(record.study, record.number) if has_plan(trial) else None)
    cut = replace(record, state=KILLED, end_reason=EndReason.INTERRUPTED, run_id=run_id)
    record = replace(cut, epochs=epochs, metrics=so_far(config, epochs))
    is_closed = requeue(study, trial, record)
    if is_closed:
        with scratch_folder("trial") as new:
            close_cut(recorder, record, folder or new)
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)
    return is_closed
