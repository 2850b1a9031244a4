"""What a trial's folder tells of it when its process is gone: its epochs so far."""

from __future__ import annotations

import contextlib
import json
import socket
import tempfile
from collections.abc import Sequence
from pathlib import Path

from optuna.trial import FrozenTrial

from search.storage.trial_attributes import owner_of_trial, plan_of
from tracking import EpochRecord

EPOCHS = "epochs.jsonl"
"""The file in a trial's folder that has its epochs so far, a line each."""
PREFIX = "trialbook-"
"""What the name of a trial's folder begins with."""

_TRIALS = "trials"


def folder_left_behind(trial: FrozenTrial, spool: Path | None = None) -> Path | None:
    """The folder that a dead process left for its trial, or None.

    The caller deletes the folder, so that only one is returned that Trialbook made: a temporary one
    on this machine, or one in the home's spool.

    Args:
        trial: The trial.
        spool: The home's folder in which trials have theirs.
    """
    here = (owner_of_trial(trial) or {}).get("host") == socket.gethostname()
    folder = Path(plan_of(trial).folder)
    if not folder.name.startswith(PREFIX) or folder.is_symlink() or not folder.is_dir():
        return None
    spooled = (
        spool is not None and folder.parent.name == _TRIALS and folder.parent.parent.parent == spool
    )
    is_temporary = here and folder.parent == Path(tempfile.gettempdir())
    return folder if spooled or is_temporary else None


def keep_epochs(folder: Path, records: Sequence[EpochRecord]) -> None:
    """Add epochs to the file in a trial's folder, for whoever finds it if this process dies.

    A disk that is full is nothing to end a trial for.

    Args:
        folder: The trial's.
        records: The epochs.
    """
    lines = [json.dumps([r.epoch, r.seconds, dict(r.metrics)]) + "\n" for r in records]
    with contextlib.suppress(OSError), (folder / EPOCHS).open("a", encoding="utf-8") as file:
        file.write("".join(lines))


def kept_epochs(folder: Path) -> tuple[EpochRecord, ...]:
    """Read the epochs in a trial's folder; a line that was cut off ends them."""
    epochs: dict[int, EpochRecord] = {}
    with contextlib.suppress(OSError, ValueError, TypeError):
        for line in (folder / EPOCHS).read_text(encoding="utf-8").splitlines():
            number, seconds, metrics = json.loads(line)
            old = epochs.get(number)
            if old is not None:  # of a further fold or repeat
                seconds, metrics = old.seconds + seconds, {**old.metrics, **metrics}
            epochs[number] = EpochRecord(epoch=number, seconds=seconds, metrics=metrics)
    return tuple(epochs[number] for number in sorted(epochs))
