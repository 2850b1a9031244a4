"""Several workers at once, each a thread."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator

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


def test_a_second_ctrl_c_reaches_every_worker() -> None:
    """The others look at nothing: only what reaches their threads can end them."""
    both = threading.Barrier(3, timeout=60)
    ended: list[int] = []

    def busy(number: int) -> int:
        try:
            both.wait()
            while True:
                time.sleep(0.01)
        finally:
            ended.append(number)

    def interrupted() -> int:
        both.wait()
        raise KeyboardInterrupt

    tasks = [interrupted, lambda: busy(1), lambda: busy(2)]
    with pytest.raises(KeyboardInterrupt):
        work_side_by_side(tasks, Stop())
    assert sorted(ended) == [1, 2]


@pytest.fixture
def heard() -> Iterator[None]:
    """Python hears of SIGINT, also where the tests were started with it ignored (`pytest … &`)."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("heard")
def test_a_ctrl_c_reaches_the_workers_that_outlive_the_first() -> None:
    main = threading.main_thread().ident
    assert main is not None
    started = threading.Event()

    def first() -> int:
        started.wait()
        return 0

    def busy() -> int:
        started.set()
        time.sleep(0.2)  # the first has ended, and its thread waits for the others
        signal.pthread_kill(main, signal.SIGINT)
        while True:
            time.sleep(0.01)

    with pytest.raises(KeyboardInterrupt):
        work_side_by_side([first, busy], Stop())
