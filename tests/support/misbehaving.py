"""A model that does what the next line of a script says, for tests of the supervisor."""

import os
import signal
import time
from pathlib import Path

import keras
import keras_tuner
import numpy as np


class WaitForGo(keras.callbacks.Callback):
    """Waits after the first epoch until the file `go` lies beside the script."""

    def on_epoch_end(self, epoch, logs=None):
        script = Path(os.environ["MISBEHAVING_SCRIPT"])
        while epoch == 0 and not script.with_name("go").exists():
            time.sleep(0.05)


class Misbehaving(keras_tuner.HyperModel):
    def build(self, hp):
        hp.Float("x", 0.0, 1.0, default=0.5)
        model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
        model.compile(optimizer="sgd", loss="mse")
        return model

    def fit(self, hp, model, *args, callbacks=(), epochs=1, verbose=0):
        script = Path(os.environ["MISBEHAVING_SCRIPT"])
        deed, *rest = script.read_text().split()
        script.write_text(" ".join(rest))
        data = np.ones((8, 2))
        score = None
        if deed == "raise":
            raise RuntimeError("told\nto raise")
        if deed == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        if deed == "abort":
            os.abort()
        if deed == "exhaust":
            raise MemoryError
        if deed == "nan":
            data = data * np.nan
        if deed == "large":
            score = float(np.ones(60_000_000).sum())
        if deed == "no-metric":
            return {"other": 1.0}
        if deed == "number":
            return 0.25
        history = model.fit(
            data,
            np.ones(8),
            validation_data=(data, np.ones(8)),
            callbacks=[*callbacks, WaitForGo()] if deed == "wait" else list(callbacks),
            epochs=epochs,
            verbose=verbose,
        )
        assert score is None or score > 0
        return history
