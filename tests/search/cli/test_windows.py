"""What the commands say on Windows, where nothing can be trained.

Simulated: `tests/support/windows.py` says how far.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import psutil
import pytest

from search import StudyConfig, run_study
from search.cli.commands.ui import _end_group

SCRIPT = Path(__file__).parents[2] / "support" / "windows.py"
TRAINS = ["search", "dry run", "worker", "winner", "reproduce", "baseline again"]


class Told(NamedTuple):
    code: int
    out: str
    err: str


@pytest.fixture(scope="module")
def told(
    ratings_file: Path, empty_home: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Told]:
    """What each command said, all in one process."""
    folder = tmp_path_factory.mktemp("windows")
    home, none = folder / "mlruns", folder / "none"
    shutil.copytree(empty_home, home)
    data = ["--data", str(ratings_file)]
    run_study(StudyConfig(name="w", trials=2, epochs=2, data=data[1], sampler="random"), home=home)
    at, new = ["--home", str(home)], ["--home", str(none)]
    commands = {
        "search": ["search", *data, *new],
        "dry run": ["search", "--dry-run", *data, *new],
        "worker": ["worker", "w", *at],
        "winner": ["winner", "w", *at],
        "reproduce": ["reproduce", "w:1", *at],
        "baseline again": ["reproduce", "baseline", *data, *new],
        "show": ["show", "w", "--json", *at],
        "compare": ["compare", "w", "--json", *at],
        "studies": ["studies", "--json", *at],
        "doctor": ["doctor", "--json", *at],
        "predict": ["predict", "w", "--user", "107", "--json", *at],
        "export": ["export", "w", "--output", str(folder / "t.csv"), "--json", *at],
        "report": ["report", "w", "--output", str(folder / "r.html"), "--json", *at],
        "help": ["--help"],
    }
    asked = json.dumps(list(commands.values()))
    done = subprocess.run(
        [sys.executable, str(SCRIPT), asked], capture_output=True, text=True, timeout=600
    )
    assert done.returncode == 0, done.stderr
    assert not none.exists()
    return dict(zip(commands, (Told(*each) for each in json.loads(done.stdout)), strict=True))


@pytest.mark.parametrize("name", TRAINS)
def test_a_command_that_trains_says_in_a_line_what_it_needs(
    name: str, told: dict[str, Told]
) -> None:
    code, out, err = told[name]
    assert (code, out) == (2, ""), err
    assert err.startswith("trialbook: Training needs Linux or macOS, but this is Windows. ")
    assert err.count("\n") == 1


def test_what_shows_and_compares_works(told: dict[str, Told]) -> None:
    for name in set(told) - set(TRAINS):
        assert told[name].code == 0, (name, told[name])
    shown = json.loads(told["show"].out)["trials"]
    assert [trial["state"] for trial in shown] == ["complete", "complete"]
    best = min(shown, key=lambda trial: trial["value"])
    assert json.loads(told["compare"].out)["studies"]["w"]["trial"] == best["number"]
    assert [each["study"] for each in json.loads(told["studies"].out)["studies"]] == ["w"]
    assert json.loads(told["doctor"].out) == {"findings": [], "left": 0, "busy": []}
    assert json.loads(told["predict"].out)["items"]


def test_a_server_is_ended_with_its_workers_where_there_are_no_process_groups(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    worker = "import time; time.sleep(600)"
    server = (
        "import subprocess, sys\n"
        f"worker = subprocess.Popen([sys.executable, '-c', {worker!r}])\n"
        "print(worker.pid, flush=True)\n"
        "worker.wait()"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", server], stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    assert process.stdout is not None
    began = psutil.Process(int(process.stdout.readline()))
    monkeypatch.delattr(os, "killpg")
    monkeypatch.delattr(signal, "SIGKILL")
    _end_group(process)
    assert process.returncode is not None
    _, left = psutil.wait_procs([began], timeout=30)
    process.stdout.close()
    assert left == []
