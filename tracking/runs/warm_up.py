"""Imports what draws in a background thread, since that takes seconds."""

from __future__ import annotations

import contextlib
import importlib
import threading
from collections.abc import Callable, Iterator, Sequence

_DRAWING = ("matplotlib.backends.backend_agg", "matplotlib.figure", "tracking.report.write")
_PAUSE_S = 1.0
_ASKS_EVERY_S = 0.5


@contextlib.contextmanager
def in_a_second(work: Callable[[], None]) -> Iterator[None]:
    """Do something in a thread of its own a second later, unless the block is left before.

    Args:
        work: What to do.

    Example:
        >>> done = []
        >>> with in_a_second(lambda: done.append(1)):
        ...     pass
        >>> done
        []
    """
    timer = threading.Timer(_PAUSE_S, work)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


@contextlib.contextmanager
def import_ahead(
    soon: Sequence[str], later: Sequence[str] = (), is_due: Callable[[], bool] = lambda: True
) -> Iterator[None]:
    """Import what draws, and other modules, in the background; whoever needs one sooner waits.

    It begins a second later: until then the first trials begin, which is what a user waits for.
    What draws takes seconds, in which workers get on more slowly, and is needed at the end only.
    Leaving the block before then imports nothing.

    Args:
        soon: Modules that are imported first.
        later: Those that are imported with what draws.
        is_due: Whether it is time for the latter; asked twice a second.

    Example:
        >>> with import_ahead(["sklearn.ensemble"]):
        ...     settings = {"trials": 20}  # something else that takes a while
    """
    is_left = threading.Event()

    def work() -> None:
        # Whatever goes wrong here goes wrong again where it is needed, and is reported there.
        with contextlib.suppress(Exception):
            for name in soon:
                importlib.import_module(name)
            while not is_due():
                if is_left.wait(_ASKS_EVERY_S):
                    return
            for name in (*_DRAWING, *later):
                importlib.import_module(name)

    try:
        with in_a_second(work):
            yield
    finally:
        is_left.set()
