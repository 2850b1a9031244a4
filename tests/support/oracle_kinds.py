"""Keras Tuner's own oracles and ours behind one way to make them, and tuners that train nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras_tuner
from keras_tuner.engine.base_tuner import BaseTuner

from search.oracle import OptunaOracle

LOSS = keras_tuner.Objective("loss", "min")
OWN = {
    "random": keras_tuner.oracles.RandomSearchOracle,
    "grid": keras_tuner.oracles.GridSearchOracle,
    "bayesian": keras_tuner.oracles.BayesianOptimizationOracle,
}
KINDS = ["theirs-random", "theirs-grid", "ours-random", "ours-grid"]
MORE_KINDS = ["theirs-bayesian", "ours-local", "ours-tpe", "ours-qmc", "ours-nsga2"]


@dataclass
class Oracles:
    """Makes oracles of one kind; those of one test share a study."""

    kind: str
    home: Path

    @property
    def is_ours(self) -> bool:
        return self.kind.startswith("ours")

    @property
    def name(self) -> str:
        return self.kind.split("-")[1]

    @property
    def goes_on(self) -> bool:
        """Whether it goes on in its project folder; Keras Tuner's grid search cannot."""
        return self.is_ours or self.name != "grid"

    @property
    def tries_all(self) -> bool:
        """Whether it never repeats a point and tries every one: others stop where they collide."""
        return self.is_ours or self.name == "grid"

    def __call__(self, objective: Any = LOSS, **options: Any) -> keras_tuner.Oracle:
        options = {"seed": 7} | options
        if self.is_ours:
            own = {"home": self.home, "sampler": self.name}
            return OptunaOracle(objective, **own, **options)
        if self.name == "bayesian":
            options = {"num_initial_points": 50} | options  # its model is slow to fit
        return OWN[self.name](objective, **options)


class Trains(BaseTuner):
    """A tuner whose trials are calls of a function."""

    def __init__(self, oracle: Any, run: Callable[..., Any], folder: Path, **options: Any) -> None:
        self.run = run
        super().__init__(oracle, directory=folder, project_name="p", **options)

    def run_trial(self, trial: Any, *arguments: Any, **options: Any) -> Any:
        return self.run(trial)

    def trained(self) -> list[dict[str, Any]]:
        """The values of the trials that were begun, in their order."""
        trials = self.oracle.trials
        return [trials[name].hyperparameters.values for name in self.oracle.start_order]
