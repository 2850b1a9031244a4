"""Runs several workers at once, each a thread of the study's process."""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Callable, Sequence

from search.executor.garbage import rarely_collected
from search.executor.interrupts import Stop


class _Workers:
    """Runs tasks in this thread and in others, and passes a Ctrl-C on to the others.

    Attributes:
        numbers: What the tasks returned.
        failures: What they raised, the first failure first.
    """

    def __init__(self, stop: Stop) -> None:
        self.numbers: list[int] = []
        self.failures: list[BaseException] = []
        self._stop = stop
        self._busy: set[int] = set()
        self._lock = threading.Lock()

    def run(self, task: Callable[[], int], ended: threading.Event | None = None) -> None:
        """Run a task, then set the event; what the task raises is kept, and stops the others."""
        try:
            self._run(threading.get_ident(), task)
        except KeyboardInterrupt as late:  # came when the task had ended already
            self.failures.append(late)
        finally:
            if ended is not None:
                ended.set()

    def _run(self, thread: int, task: Callable[[], int]) -> None:
        with self._lock:
            self._busy.add(thread)
        try:
            self.numbers.append(task())
        except BaseException as error:
            self.failures.append(error)
            self._stop.asked = True
        finally:
            with self._lock:
                self._busy.discard(thread)

    def interrupt(self) -> None:
        """Raise KeyboardInterrupt in every thread that still works, as Ctrl-C does in the first."""
        raise_in = ctypes.pythonapi.PyThreadState_SetAsyncExc
        with self._lock:
            for thread in self._busy:
                raise_in(ctypes.c_ulong(thread), ctypes.py_object(KeyboardInterrupt))

    def wait(self, ends: Sequence[threading.Event]) -> None:
        """Wait until all other threads have ended; a Ctrl-C before or meanwhile reaches them.

        It waits for events, since a `Thread.join` that a Ctrl-C cuts short marks a thread as ended
        that is not (Python 3.11).
        """
        if any(isinstance(failure, KeyboardInterrupt) for failure in self.failures):
            self.interrupt()
        for ended in ends:
            while not ended.is_set():
                try:
                    ended.wait()
                except KeyboardInterrupt as error:
                    self.failures.append(error)
                    self.interrupt()


def work_side_by_side(tasks: Sequence[Callable[[], int]], stop: Stop) -> int:
    """Run tasks at once, the first in this thread, which is where a Ctrl-C arrives.

    The first Ctrl-C sets `stop`, which the tasks look at. A later one raises KeyboardInterrupt in
    this thread, and so it does in the threads of the other tasks.

    Args:
        tasks: Functions that each return a number.
        stop: Set when one of them fails, so that the others end too.

    Returns:
        The sum of their numbers.

    Raises:
        BaseException: What the first failure was, once all have ended.
    """
    workers = _Workers(stop)
    ends = [threading.Event() for _ in tasks[1:]]
    with rarely_collected():
        for task, ended in zip(tasks[1:], ends, strict=True):
            threading.Thread(target=workers.run, args=(task, ended)).start()
        workers.run(tasks[0])
        workers.wait(ends)
    if workers.failures:
        raise workers.failures[0]
    return sum(workers.numbers)
