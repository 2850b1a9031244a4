"""Keras callbacks that hear of a training inside its epochs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras

from models.within_epoch import EpochClock, Listener, OnRows


class HearsRows(EpochClock, keras.callbacks.Callback):
    """Keras callback that hears how far an epoch is, and may end the training inside it.

    The fast trainer calls `goes_on`, Keras' `fit` calls `on_train_batch_end`: from threads of its
    own, several at once, so that it need not wait for a batch's figures.
    """

    async_safe = True  # for Keras

    def __init__(self, on_rows: OnRows | None) -> None:
        """Keep what is called.

        Args:
            on_rows: Hears how far an epoch is; None for nothing.
        """
        keras.callbacks.Callback.__init__(self)
        EpochClock.__init__(self, on_rows)

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Tell how far the epoch is; Keras' `fit` stops after the batch where it must end."""
        steps = (self.params or {}).get("steps")
        if steps and not self.goes_on((batch + 1) / steps):
            self.model.stop_training = True


class Relay(HearsRows):
    """Keras callback that hands what it hears to a listener."""

    def __init__(self, listener: Listener) -> None:
        """Keep who listens."""
        super().__init__(None)
        self._listener = listener

    def set_model(self, model: keras.Model) -> None:
        """Hand on the model that is trained."""
        super().set_model(model)
        self._listener.set_model(model)

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Hand on that an epoch begins."""
        self._listener.on_epoch_begin(epoch)

    def goes_on(self, share: float) -> bool:
        """Hand on how far the epoch is; return the listener's answer."""
        return self._listener.goes_on(share)

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        """Hand on the epoch's metrics."""
        self._listener.on_epoch_end(epoch, logs)
