"""Signals that ask to stop, and what is left behind once one came."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from search.executor.interrupts import Stop, interruptible, unless


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_the_first_signal_is_a_flag_and_the_second_an_exception(how: signal.Signals) -> None:
    with interruptible() as stop:
        assert not stop.is_signalled
        before = time.monotonic()
        os.kill(os.getpid(), how)
        assert (stop.asked, stop.is_signalled) == (True, True)
        assert stop.signalled_at is not None
        assert before <= stop.signalled_at <= time.monotonic()
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), how)


def test_what_takes_long_is_left_behind_once_someone_asks_to_stop() -> None:
    stop, goes_on = Stop(), threading.Event()

    def slowly() -> int:
        stop.asked = True
        goes_on.wait(60)
        return 3

    assert unless(lambda: stop.asked, slowly) is None
    goes_on.set()
    assert unless(lambda: False, lambda: 3) == 3


def test_what_fails_there_fails_here() -> None:
    def fail() -> int:
        raise OSError("no space")

    with pytest.raises(OSError, match="no space"):
        unless(lambda: False, fail)


_SIGNALS_WHILE_IMPORTED = """
import os, signal, sys
class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == {name!r}:
            sys.meta_path.remove(self)
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Finder())
signal.signal(signal.SIGINT, signal.default_int_handler)
from search.__main__ import main
main()
"""


@pytest.mark.parametrize("name", ["click", "search.errors", "search.cli.commands.studies"])
def test_ctrl_c_while_the_program_is_imported_is_told_in_a_line(name: str) -> None:
    program = _SIGNALS_WHILE_IMPORTED.format(name=name)
    done = subprocess.run(
        [sys.executable, "-c", program, "studies"], capture_output=True, text=True, check=False
    )
    assert done.stderr.strip() == "trialbook: Interrupted."
    assert done.returncode == 130
