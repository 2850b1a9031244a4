"""How a child process ended, in words."""

from __future__ import annotations

import signal
from textwrap import shorten

from tracking import EndReason


class ChildDied(Exception):
    """The child ended without an answer; the message says how.

    Its `end_reason` is the trial's: "out_of_memory" or "crash".
    """

    def __init__(self, message: str, end_reason: str) -> None:
        super().__init__(message)
        self.end_reason = end_reason


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
