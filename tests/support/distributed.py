"""A tuner of a distributed search; each process of it runs this file: HOME FOLDER SAMPLER."""

import sys
import time
from pathlib import Path

import keras_tuner
from oracle_kinds import LOSS, Trains

from search.oracle import OptunaOracle

_PROCESSES = 3


def _wait_for_all(folder):
    """Keras Tuner's chief ends once a client was told to stop, though another may still come."""
    (folder / "ready").mkdir(parents=True, exist_ok=True)
    (folder / "ready" / Path(sys.argv[2]).name).touch()
    while len(list((folder / "ready").iterdir())) < _PROCESSES:
        time.sleep(0.1)


def _run(trial):
    time.sleep(1.0)  # longer than clients take to ask
    hp = trial.hyperparameters
    with hp.conditional_scope("kind", ["b"]):
        hp.Int("units", 1, 9)
    return hp.Float("x", 0.0, 1.0) + 1.0


if __name__ == "__main__":
    home, folder, sampler = sys.argv[1:]
    space = keras_tuner.HyperParameters()
    space.Choice("kind", ["a", "b"])
    oracle = OptunaOracle(
        LOSS, max_trials=6, study="shared", home=home, sampler=sampler, hyperparameters=space
    )
    tuner = Trains(oracle, _run, folder)
    _wait_for_all(Path(folder).parent)
    tuner.search(verbose=0)
