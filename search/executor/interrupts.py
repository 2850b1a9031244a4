"""Turns Ctrl-C and SIGTERM into a flag that loops look at, so that nothing is half-written."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Stop:
    """A signal handler that remembers whether a user or another program asked to stop.

    Attributes:
        asked: Whether to stop: set by the first signal, or by a worker that fails.
    """

    def __init__(self) -> None:
        self.asked = False

    def __call__(self, signum: int, frame: FrameType | None) -> None:
        """Handle a signal: the first sets `asked`, a later one raises KeyboardInterrupt.

        Args:
            signum: Number of the signal.
            frame: Where the process was.
        """
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True


@contextmanager
def interruptible() -> Iterator[Stop]:
    """Turn SIGINT and SIGTERM into a flag while the block runs (in a main thread only)."""
    stop = Stop()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    kept = {s: signal.signal(s, stop) for s in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in kept.items():
            signal.signal(number, handler)
