"""Turns signals that ask to stop into a flag that loops look at: nothing is half-written."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_ASKS_TO_STOP = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stop:
    """A signal handler that remembers whether a user or another program asked to stop.

    Attributes:
        asked: Whether to stop: set by the first signal, or by a worker that fails.
        is_signalled: Whether a signal asked for it.
    """

    def __init__(self) -> None:
        self.asked = False
        self.is_signalled = False

    def __call__(self, signum: int, frame: FrameType | None) -> None:
        """Handle a signal: the first sets `asked`, a later one raises KeyboardInterrupt.

        Args:
            signum: Number of the signal.
            frame: Where the process was.
        """
        if self.asked:
            raise KeyboardInterrupt
        self.asked = self.is_signalled = True


@contextmanager
def interruptible(stop: Stop | None = None) -> Iterator[Stop]:
    """Turn signals that ask to stop into a flag while the block runs (in a main thread only).

    These are Ctrl-C (SIGINT), SIGTERM, and that of a terminal that closes (SIGHUP). A process that
    was started to outlive its terminal (`nohup`) goes on ignoring the last.

    Args:
        stop: The flag; None for a new one.
    """
    stop = stop or Stop()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    heard = [s for s in _ASKS_TO_STOP if signal.getsignal(s) is not signal.SIG_IGN]
    kept = {s: signal.signal(s, stop) for s in heard}
    try:
        yield stop
    finally:
        for number, handler in kept.items():
            signal.signal(number, handler)
