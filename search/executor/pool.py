"""Runs several workers at once, each a thread of the study's process."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from search.executor.interrupts import Stop


def work_side_by_side(tasks: Sequence[Callable[[], int]], stop: Stop) -> int:
    """Run tasks at once, the first in this thread, which is where a Ctrl-C arrives.

    Args:
        tasks: Functions that each return a number.
        stop: Set when one of them fails, so that the others end too.

    Returns:
        The sum of their numbers.

    Raises:
        BaseException: What the first failure was, once all have ended.
    """
    numbers: list[int] = []
    failures: list[BaseException] = []

    def run(task: Callable[[], int]) -> None:
        try:
            numbers.append(task())
        except BaseException as error:
            failures.append(error)
            stop.asked = True

    threads = [threading.Thread(target=run, args=(task,)) for task in tasks[1:]]
    for thread in threads:
        thread.start()
    run(tasks[0])
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    return sum(numbers)
