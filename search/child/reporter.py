"""What a trial tells the study while it trains, and hears back."""

from __future__ import annotations

import time
from collections.abc import Mapping
from multiprocessing.connection import Connection

from search.child.memory import peak_memory_mb
from search.child.messages import EpochEnded, Part, Task
from search.config.limits import too_long
from tracking import EndReason, EpochRecord


class Reporter:
    """Sends an epoch to the study and, where the trial is judged, brings back if it goes on.

    Attributes:
        seconds: What telling took so far.
        beyond: Which limit ended the trial, in words; empty where none did.
    """

    def __init__(self, pipe: Connection, task: Task) -> None:
        """Begin with the first part; nothing is sent yet."""
        self._pipe = pipe
        self._task = task
        self._prefix = ""
        self._trained = 0.0
        self.seconds = 0.0
        self.beyond = ""

    def __call__(self, epoch: int, seconds: float, metrics: Mapping[str, float]) -> bool:
        """Report one epoch; false means that the trial ends here."""
        started = time.perf_counter()
        named = {self._prefix + name: value for name, value in metrics.items()}
        first = self._task.judged_from
        waits = first is not None and epoch >= first and not self._prefix
        record = EpochRecord(epoch=epoch, seconds=seconds, metrics=named)
        self._pipe.send(EpochEnded(record=record, waits=waits))
        goes_on = not waits or bool(self._pipe.recv())
        self._trained += seconds
        self.seconds += time.perf_counter() - started
        self.beyond = too_long(self._trained, peak_memory_mb(), self._task.limits)
        return goes_on and not self.beyond

    def begin(self, kind: str, number: int) -> None:
        """Say which part the epochs that follow are of.

        Args:
            kind: "fold" or "repeat"; the first part's epochs are the trial's own curve.
            number: 1 for the first.
        """
        self._prefix = f"{kind}_{number}/" if number > 1 else ""

    def part(self, number: int, value: float) -> bool:
        """Report a part that was trained to its end; false means that the trial is pruned."""
        started = time.perf_counter()
        waits = self._task.judged_by_parts
        self._pipe.send(Part(number=number, value=value, waits=waits))
        goes_on = not waits or bool(self._pipe.recv())
        self.seconds += time.perf_counter() - started
        return goes_on

    @property
    def end_reason(self) -> str:
        """Why a trial ended that was told to: "pruned", or "limit"."""
        return EndReason.LIMIT if self.beyond else EndReason.PRUNED
