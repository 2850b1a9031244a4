"""How a child process ended, in words, and when another one is started."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from textwrap import shorten

from search.errors import SearchError
from tracking import EndReason

_PAUSES_S = (0.0, 0.0, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0, 30.0, 30.0, 30.0)
_CRASHES = 3


class ChildDied(Exception):
    """The child ended without an answer; the message says how.

    Its `end_reason` is the trial's: "out_of_memory" or "crash".
    """

    def __init__(self, message: str, end_reason: str) -> None:
        super().__init__(message)
        self.end_reason = end_reason


class CannotStart(SearchError):
    """No child lives long enough to train; what ends them may pass, so the study can go on later.

    Its `exit_code` is that of a command: the standard one where a process cannot be started
    (EX_OSERR). A full disk and a database that is away have another one.
    """

    exit_code = 71


class Restarts:
    """Counts children in a row that end while they load, and pauses before each further one.

    Where the kernel ends them, memory is short, which may pass: the first two are followed at once,
    those after them ever later, twelve in all. Those that crash would go on to: three in all.
    """

    def __init__(self, say: Callable[[str], None]) -> None:
        """Begin to count.

        Args:
            say: Told of each pause.
        """
        self._say = say
        self._deaths = self._crashes = 0

    def after(self, error: ChildDied, is_over: Callable[[], bool]) -> None:
        """Wait before another child is started.

        Args:
            error: How the last one ended.
            is_over: Ends the pause.

        Raises:
            CannotStart: It was the last that is tried.
        """
        crashed = error.end_reason != EndReason.OUT_OF_MEMORY
        self._crashes += crashed
        if self._deaths >= len(_PAUSES_S) or self._crashes >= _CRASHES:
            raise CannotStart(
                "The training process must load the data and the model, but "
                f"{self._deaths + 1} in a row ended before they had: {error}"
            ) from error
        pause_s = _PAUSES_S[self._deaths]
        self._deaths += 1
        if pause_s:
            self._say(
                f"The training process ended while it loaded ({str(error).rstrip('.')}). "
                f"Another one starts in {pause_s:.0f} s."
            )
        latest = time.monotonic() + pause_s
        while time.monotonic() < latest and not is_over():
            time.sleep(0.1)


def death(code: int, printed: str) -> ChildDied:
    """Make the exception for a child that ended.

    Args:
        code: Its exit code; the number of the signal that ended it as a negative one.
        printed: What it printed last.
    """
    lines = [line for line in printed.splitlines() if line.strip()]
    last = f" Its last line: {shorten(lines[-1], 300, placeholder=' …')}" if lines else ""
    if code == -signal.SIGKILL:
        text = "the kernel ended the training process (SIGKILL), most likely for want of memory."
        return ChildDied(text, EndReason.OUT_OF_MEMORY)
    if code < 0:
        name = signal.Signals(-code).name
        return ChildDied(f"the training process crashed with {name}.{last}", EndReason.CRASH)
    if "MemoryError" in printed:
        return ChildDied(f"the training process ran out of memory.{last}", EndReason.OUT_OF_MEMORY)
    return ChildDied(f"the training process ended with exit code {code}.{last}", EndReason.CRASH)
