"""A tuner of a distributed search; each process of it runs this file: HOME FOLDER SAMPLER."""

import sys

import keras_tuner
from oracle_kinds import LOSS, Trains

from search.oracle import OptunaOracle


def _run(trial):
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
    Trains(oracle, _run, folder).search(verbose=0)
