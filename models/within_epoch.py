"""Hearing of a training inside its epochs, which take minutes on many ratings."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

_PAUSE_S = 1.0

OnRows = Callable[[int, float, float], bool]
"""Is called with an epoch's number (1 for the first), the share of its rows that are trained, and
the seconds since it began; returns whether the training goes on."""


class Listener(Protocol):
    """Hears each epoch of a training; `models.curve.CurveRecorder` is one."""

    def set_model(self, model: Any) -> None:
        """Take what has the weights, and the flag that stops the training."""

    def on_epoch_begin(self, epoch: int) -> None:
        """Hear that an epoch begins, 0 for the first."""

    def goes_on(self, share: float) -> bool:
        """Hear what share of an epoch's rows is trained; say whether the training goes on."""

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        """Hear an epoch's metrics, by Keras' names."""


class EpochClock:
    """Measures an epoch, tells how far it is, and may end the training inside it.

    It tells nothing in the first second of an epoch, and then at most once a second. The compiled
    and the fast trainer call `goes_on`; Keras' `fit` needs `models.fast.hearing.HearsRows`, the
    same as a Keras callback.

    An epoch inside which the training ends is no epoch of its curve: `halted` says so.

    Threads: several may call `goes_on` at once; an epoch's end comes after all of them.
    """

    def __init__(self, on_rows: OnRows | None) -> None:
        """Keep what is called.

        Args:
            on_rows: Hears how far an epoch is; None for nothing.
        """
        self._on_rows = on_rows
        self._epoch = 0
        self._began = self._told = time.perf_counter()
        self._lock = threading.Lock()
        self.halted = False

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Start the clock of an epoch, 0 for the first."""
        self._epoch = epoch + 1
        self._began = self._told = time.perf_counter()

    @property
    def seconds(self) -> float:
        """Seconds since the epoch began."""
        return time.perf_counter() - self._began

    def goes_on(self, share: float) -> bool:
        """Tell how far the epoch is, if the last time was long enough ago.

        Args:
            share: Share of the epoch's rows that are trained, from 0 to 1.

        Returns:
            Whether the training goes on; false from the first refusal on.
        """
        with self._lock:
            now = time.perf_counter()
            if self._on_rows is not None and not self.halted and now - self._told >= _PAUSE_S:
                self._told = now
                self.halted = not self._on_rows(self._epoch, share, now - self._began)
            return not self.halted


def all_go_on(callbacks: Iterable[Any], share: float) -> bool:
    """Tell those callbacks that hear of rows how far an epoch is.

    Args:
        callbacks: Any callbacks.
        share: Share of the epoch's rows that are trained.

    Returns:
        Whether all of them let the training go on.
    """
    answers = [each.goes_on(share) for each in callbacks if isinstance(each, EpochClock)]
    return all(answers)
