"""Several workers at once, each a thread."""

from __future__ import annotations

import threading

import pytest

from search.executor.interrupts import Stop
from search.executor.pool import work_side_by_side


def test_work_side_by_side_adds_up() -> None:
    both = threading.Barrier(2, timeout=60)

    def task() -> int:
        return both.wait() + 1

    assert work_side_by_side([task, task], Stop()) == 3


def test_a_failure_stops_the_others_and_is_told() -> None:
    stop = Stop()

    def wait() -> int:
        while not stop.asked:
            pass
        return 0

    def fail() -> int:
        raise RuntimeError("told to fail")

    with pytest.raises(RuntimeError, match="told to fail"):
        work_side_by_side([wait, fail], stop)
