"""A study and the terminal that it was begun in."""

from __future__ import annotations

import fcntl
import os
import pty
import signal
import subprocess
import termios
import threading
import time
from collections.abc import Callable
from pathlib import Path

import optuna
import pytest
from calling import TRIALBOOK
from looking import CUT, second_trial

from tracking import Store

Behaves = Callable[[str], None]
COMMAND = [*TRIALBOOK, *CUT]


@pytest.fixture
def behaves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Behaves:
    """Says what each trial of the study does."""

    def write(script: str) -> None:
        path = tmp_path / "script"
        path.write_text(script)
        monkeypatch.setenv("MISBEHAVING_SCRIPT", str(path))

    return write


@pytest.mark.slow
def test_a_study_whose_terminal_is_closed_ends_in_order(home: Path, behaves: Behaves) -> None:
    behaves("fine wait fine fine")
    master, slave = pty.openpty()

    def own_terminal() -> None:
        fcntl.ioctl(slave, termios.TIOCSCTTY, 0)

    process = subprocess.Popen(
        [*COMMAND, "--home", str(home)], stdin=slave, stdout=slave, stderr=slave,
        start_new_session=True, preexec_fn=own_terminal,
    )  # fmt: skip
    os.close(slave)
    shown: list[bytes] = []
    is_open = threading.Event()

    def read() -> None:
        while not is_open.is_set():
            try:
                shown.append(os.read(master, 10_000))
            except OSError:
                return

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    study = second_trial(process, home)
    time.sleep(1)
    is_open.set()
    os.write(master, b"\n")  # the terminal's echo ends the reader
    reader.join(30)
    assert not reader.is_alive()
    os.close(master)
    assert process.wait(60) == 130
    assert b"trial 0" in b"".join(shown)
    states = [trial.state.name for trial in study.trials]
    assert states == ["COMPLETE", "FAIL", "WAITING"]
    runs = Store(home).client().search_runs([study.user_attrs["trialbook:run"]["experiment_id"]])
    assert {run.info.status for run in runs} <= {"FINISHED", "KILLED"}


@pytest.mark.slow
def test_a_study_that_was_begun_by_nohup_outlives_its_terminal(
    home: Path, tmp_path: Path, behaves: Behaves
) -> None:
    behaves("fine fine fine")
    with (tmp_path / "nohup.out").open("wb") as output:
        process = subprocess.Popen(
            ["nohup", *COMMAND, "--home", str(home)], stdout=output, stderr=subprocess.STDOUT
        )
        second_trial(process, home)
        process.send_signal(signal.SIGHUP)
        assert process.wait(300) == 0
    study = optuna.load_study(study_name="cut", storage=f"sqlite:///{home}/optuna.db")
    assert [trial.state.name for trial in study.trials] == ["COMPLETE"] * 3
