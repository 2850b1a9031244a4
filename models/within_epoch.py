"""Hearing of a training inside its epochs, which take minutes on many ratings."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

import keras

_PAUSE_S = 1.0

OnRows = Callable[[int, float, float], bool]
"""Is called with an epoch's number (1 for the first), the share of its rows that are trained, and
the seconds since it began; returns whether the training goes on."""


class HearsRows(keras.callbacks.Callback):
    """Keras callback that hears how far an epoch is, and may end the training inside it.

    It hears nothing in the first second of an epoch, and then at most once a second. The compiled
    and the fast trainer call `goes_on`; Keras' `fit` calls `on_train_batch_end`.

    An epoch inside which the training ends is no epoch of its curve: `halted` says so.

    Threads: Keras' `fit` calls it from threads of its own, several at once, so that it need not
    wait for a batch's figures; an epoch's end comes after all of them.
    """

    async_safe = True  # for Keras

    def __init__(self, on_rows: OnRows | None) -> None:
        """Keep what is called.

        Args:
            on_rows: Hears how far an epoch is; None for nothing.
        """
        super().__init__()
        self._on_rows = on_rows
        self._epoch = 0
        self._began = self._told = time.perf_counter()
        self._lock = threading.Lock()
        self.halted = False

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Start the epoch's clock."""
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

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Tell how far the epoch is; Keras' `fit` stops after the batch where it must end."""
        steps = (self.params or {}).get("steps")
        if steps and not self.goes_on((batch + 1) / steps):
            self.model.stop_training = True


def all_go_on(callbacks: Iterable[Any], share: float) -> bool:
    """Tell those callbacks that hear of rows how far an epoch is.

    Args:
        callbacks: Any callbacks.
        share: Share of the epoch's rows that are trained.

    Returns:
        Whether all of them let the training go on.
    """
    answers = [each.goes_on(share) for each in callbacks if isinstance(each, HearsRows)]
    return all(answers)
