"""A process that ends after some seconds, whatever it does."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from calling import TRIALBOOK, Here
from looking import CUT, second_trial

from search.executor.deadline import exit_in
from search.storage.studies import Studies
from search.storage.trial_attributes import Key
from tracking import Store

_ENDS = "from search.executor.deadline import exit_in; assert exit_in(0.3, 130)\n"
_BUSY = {
    "waits": "import time; time.sleep(600)",
    "computes": "while True: pass",
    "keeps Python's lock": "import re; re.match('(a+)+$', 'a' * 60 + 'b')",
    "ends before": "raise SystemExit(7)",
}


@pytest.mark.parametrize("what", _BUSY)
def test_a_process_ends_when_its_time_is_over(what: str) -> None:
    done = subprocess.run([sys.executable, "-c", _ENDS + _BUSY[what]], timeout=300, check=False)
    assert done.returncode == (7 if what == "ends before" else 130)


_PRINTS = """
import time
import search.export
from search.cli.common import emit
from search.executor.deadline import exit_in
many = dict.fromkeys(map(str, range(50_000)), 1)
assert exit_in(2.0, 130)
{before}
emit(many)
time.sleep(600)
"""


@pytest.mark.parametrize("before", ["", "time.sleep(600)"])
def test_json_is_printed_whole_or_not_at_all_and_the_end_comes_all_the_same(before: str) -> None:
    """The text does not fit into a pipe, and is read when the time is over."""
    process = subprocess.Popen(
        [sys.executable, "-c", _PRINTS.format(before=before)], stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    select.select([process.stdout], [], [], 300)  # there is something, or the process has ended
    time.sleep(3.0)
    out, _ = process.communicate(timeout=300)
    assert process.returncode == 130
    assert (len(json.loads(out)) if out else 0) == (0 if before else 50_000)


def test_a_system_without_such_timers_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert not exit_in(0.0, 130)


@pytest.mark.parametrize("more", [(), ("--json",)])
def test_a_study_that_ends_by_force_loses_nothing(
    more: Sequence[str], home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, here: Here
) -> None:
    """Its time is over at once, so that it can close nothing; the same command goes on."""
    script = tmp_path / "script"
    script.write_text("fine wait fine fine")
    monkeypatch.setenv("MISBEHAVING_SCRIPT", str(script))
    command = [*CUT, "--home", str(home)]
    process = subprocess.Popen(
        [*TRIALBOOK, *command, *more], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env=os.environ | {"TRIALBOOK_ENDS_IN_S": "0.001"},
    )  # fmt: skip
    try:
        second_trial(process, home)
    finally:
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=300)
    assert (process.returncode, out) == (130, b"")
    here(*command)
    trials = Studies(Store(home)).get("cut").trials
    assert [t.state.name for t in trials] == ["COMPLETE", "FAIL", "COMPLETE", "COMPLETE"]
    client = Store(home).client()
    states = [client.get_run(trial.user_attrs[Key.RUN]).info.status for trial in trials]
    assert states == ["FINISHED", "KILLED", "FINISHED", "FINISHED"]


def test_another_time_is_a_number(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from refusing import answer

    monkeypatch.setenv("TRIALBOOK_ENDS_IN_S", "soon")
    told = answer("search", "--trials", "1", "--home", str(tmp_path / "home"))
    assert told.code == 2
    assert "`TRIALBOOK_ENDS_IN_S` must be a number of seconds, but got 'soon'" in told.err
    assert not (tmp_path / "home").exists()
