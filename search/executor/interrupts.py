"""Turns signals that ask to stop into a flag that loops look at: nothing is half-written."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TypeVar

from search.executor.deadline import exit_in

_STEP_S = 0.05
_INTERRUPTED = 130
_SHOWS_CURSOR = b"\x1b[?25h"
_Done = TypeVar("_Done")
_ASKS_TO_STOP = [
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
]


class Stop:
    """A signal handler that remembers whether a user or another program asked to stop.

    Attributes:
        asked: Whether to stop: set by the first signal, or by a worker that fails.
        signalled_at: When it did, by the monotonic clock; None where none did.
        ends_in_s: Seconds after the first signal in which the process ends at the latest, however
            busy the machine is; None where that may take as long as it does.
    """

    def __init__(self) -> None:
        self.asked = False
        self.signalled_at: float | None = None
        self.ends_in_s: float | None = None

    @property
    def is_signalled(self) -> bool:
        """Whether a signal asked to stop."""
        return self.signalled_at is not None

    def __call__(self, signum: int, frame: FrameType | None) -> None:
        """Handle a signal: the first sets `asked`, a later one raises KeyboardInterrupt.

        Args:
            signum: Number of the signal.
            frame: Where the process was.
        """
        if self.asked:
            raise KeyboardInterrupt
        self.ask()
        if self.ends_in_s is not None and exit_in(self.ends_in_s, _INTERRUPTED):
            with contextlib.suppress(OSError):
                if os.isatty(2):  # a live display has hidden the cursor
                    os.write(2, _SHOWS_CURSOR)

    def ask(self) -> None:
        """Ask to stop, as the first signal does."""
        self.asked, self.signalled_at = True, time.monotonic()


def unless(is_over: Callable[[], bool], call: Callable[[], _Done]) -> _Done | None:
    """Do something that takes long in a thread, and do not wait for it once that is not wanted.

    Args:
        is_over: Whether someone asked to stop; asked twenty times a second.
        call: What to do; it is not cut short, but is left behind. An exception raised in its thread
            could strike while that holds the lock under which modules are imported.

    Returns:
        What the call returns; None where someone asked to stop before.

    Example:
        >>> unless(lambda: False, lambda: 3)
        3
    """
    done: list[_Done] = []
    failures: list[Exception] = []

    def work() -> None:
        try:
            done.append(call())
        except Exception as error:
            failures.append(error)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    while thread.is_alive() and not is_over():
        thread.join(_STEP_S)
    if failures:
        raise failures[0]
    return done[0] if done else None


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
