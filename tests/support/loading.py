"""A model whose import does what the next word of a script says, for tests of the supervisor."""

import os
import signal
import time
from pathlib import Path

import keras_tuner

script = Path(os.environ["LOADING_SCRIPT"])
deed, *rest = script.read_text().split() or ["fine"]
script.write_text(" ".join(rest))
if deed == "kill":
    os.kill(os.getpid(), signal.SIGKILL)
if deed == "exit":
    print("told to exit", flush=True)
    os._exit(3)
if deed == "hang":
    time.sleep(600)
if deed == "offline":
    raise ConnectionError("no net")


class Loading(keras_tuner.HyperModel):
    def build(self, hp):
        return {"x": hp.Float("x", 0.0, 1.0, default=0.5)}

    def fit(self, hp, model, *args, **kwargs):
        """Begin a process, tell its number, and die; without a word in the script, end well."""
        deed, *rest = script.read_text().split() or ["fine"]
        if deed not in ("orphan", "daemon"):
            return 0.25
        script.write_text(" ".join(rest))
        begun = os.fork()
        if begun == 0:
            if deed == "daemon":
                os.setsid()
            time.sleep(600)
        Path(f"{script}.pid").write_text(str(begun))
        os.kill(os.getpid(), signal.SIGABRT)
        return None
