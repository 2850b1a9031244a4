"""Signals that ask to stop, and what is left behind once one came."""

from __future__ import annotations

import os
import signal
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
