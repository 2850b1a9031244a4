"""Looks at a study of another process from outside."""

from __future__ import annotations

import contextlib
import sqlite3
import subprocess
import time
from pathlib import Path

import optuna

from search.storage.trial_attributes import Key

CUT = [
    "search", "--study", "cut", "--model", "misbehaving:Misbehaving",
    "--objective", "val_loss:min", "--trials", "3", "--epochs", "3", "--sampler", "random",
]  # fmt: skip
"""A study whose trials do what a script says, to be cut short; `--home` is still to be named."""


def second_trial(process: subprocess.Popen[bytes], home: Path) -> optuna.Study:
    """Look from outside, with no more than a reader's rights, until the second trial trains."""
    trains = (
        "SELECT 1 FROM trial_intermediate_values JOIN trials USING (trial_id) "
        "JOIN trial_user_attributes AS own USING (trial_id) "
        f"WHERE number = 1 AND own.key = '{Key.RUN}'"  # and has its run in MLflow
    )
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline and process.poll() is None:
        time.sleep(0.2)
        with contextlib.suppress(sqlite3.OperationalError):  # not there yet
            reader = sqlite3.connect(f"file:{home}/optuna.db?mode=ro", uri=True)
            with contextlib.closing(reader):
                if reader.execute(trains).fetchone():
                    return optuna.load_study(
                        study_name="cut", storage=f"sqlite:///{home}/optuna.db"
                    )
    raise AssertionError(f"the second trial never trained; exit code {process.returncode}")
