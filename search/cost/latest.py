"""What the latest trials of a study say of an estimate."""

from __future__ import annotations

import statistics
import threading
from collections import deque

_LAST = 25


class Latest:
    """The latest 25 of some numbers, and their median.

    Threads: several workers may use it at once.
    """

    def __init__(self) -> None:
        """Begin without any number."""
        self._numbers: deque[float] = deque(maxlen=_LAST)
        self._lock = threading.Lock()

    def add(self, number: float) -> None:
        """Take a number; of more than 25 the oldest is forgotten."""
        with self._lock:
            self._numbers.append(number)

    def median(self) -> float | None:
        """The median of the latest numbers; None before there is one."""
        with self._lock:
            return statistics.median(self._numbers) if self._numbers else None
