"""Trials an hour of whole studies: Trialbook, Optuna with Keras' `fit` and autolog, Keras Tuner.

Each study runs in a process of its own, one after the other: the embedded sample, the baseline's
layers, the same ranges for its rates, penalties, output bias and learning rate, the same cap on
epochs and the same early stopping, random proposals, nothing pruned. Wall time is the whole
process's, start and end included. All take their turn in every round; what counts is the median
of a study's rounds, and of the rounds' ratios.

    python benchmarks/studies.py [--trials 12] [--epochs 40] [--rounds 3] [--json]
    python benchmarks/studies.py --space default --rounds 1    # configurations of the whole space

With `--space default` the trials are the baseline and configurations drawn from the whole space,
the same for each study. Keras Tuner's search would draw its own and is left out.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from stock import Stock, best, fit

SPACE = {
    "family": "mlp",
    "sizes": "shared",
    "embedding_rate": 1.0,
    "schedule": "constant",
    "layers": 3,
    "units_1": 128,
    "units_2": 64,
    "units_3": 32,
    "embedding_size": 15,
    "activation": "relu",
    "output_activation": "relu",
    "optimizer": "adam",
    "batch_size": "full",
}
ARMS = (
    ("trialbook", "--keep-models=none"),
    ("trialbook", "--keep-models=all"),
    ("trialbook", "--keep-models=none", "--workers=auto"),
    ("trialbook", "--keep-models=all", "--workers=auto"),
    ("trialbook", "--keep-models=none", "--workers=auto", "--pruner=median"),
    ("optuna", "no models"),
    ("optuna", "models"),
    ("keras-tuner", "no MLflow"),
)
WHOLE = (
    ("trialbook", "--keep-models=none", "--workers=auto"),
    ("trialbook", "--keep-models=all", "--workers=auto"),
    ("optuna", "no models"),
    ("optuna", "models"),
)


class Asked(NamedTuple):
    """What every study is asked for: a space, trials, epochs; drawn configurations to try first."""

    space: dict[str, Any]
    trials: int
    epochs: int
    first: list[dict[str, Any]]


def asked(space: str, trials: int, epochs: int) -> Asked:
    """The benchmark's space, or the whole one with the same configurations for every study."""
    if space == "baseline":
        return Asked(SPACE, trials, epochs, [])
    import optuna

    from search.space.ratings import baseline_values

    adapter = Stock({}, epochs).adapter()
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=42))
    drawn = [adapter.sample(study.ask()) for _ in range(trials - 1)]
    return Asked({}, trials, epochs, [baseline_values(), *drawn])


def trialbook(folder: Path, what: Asked, *flags: str) -> None:
    """The command, as a user starts it."""
    from search import StudyConfig

    config = StudyConfig(
        name="bench",
        trials=what.trials,
        epochs=what.epochs,
        sampler="random",
        pruner="none",
        space=what.space,
    )
    study, first = folder / "study.toml", folder / "first.json"
    study.write_text(config.to_toml())
    first.write_text(json.dumps(what.first[1:]))  # the baseline is the first trial anyway
    home = ["--home", str(folder / "mlruns"), "--json"]
    home += ["--enqueue", str(first)] if what.first else []
    command = [sys.executable, "-m", "search", "search", str(study), *home, *flags]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def optuna_with_autolog(folder: Path, what: Asked, log_models: bool) -> None:
    """Plain Optuna on SQLite, Keras' `fit`, MLflow's autolog on SQLite."""
    import mlflow
    import optuna

    peer = Stock(what.space, what.epochs)
    adapter = peer.adapter()
    mlflow.set_tracking_uri(f"sqlite:///{folder}/mlflow.db")
    mlflow.create_experiment("bench", (folder / "artifacts").as_uri())
    mlflow.set_experiment("bench")
    mlflow.keras.autolog(log_models=log_models)

    def objective(trial: optuna.Trial) -> float:
        values = adapter.sample(trial)
        with mlflow.start_run():
            mlflow.log_params(values)
            value = best(fit(*peer.model(values, seed=42)))
            mlflow.log_metric("best_val_rmse", value)
        return value

    study = optuna.create_study(
        storage=f"sqlite:///{folder}/optuna.db", sampler=optuna.samplers.RandomSampler(seed=42)
    )
    for values in what.first:
        study.enqueue_trial(values)
    study.optimize(objective, n_trials=what.trials)


def keras_tuner_search(folder: Path, what: Asked) -> None:
    """Keras Tuner's own random search, its own record."""
    import keras_tuner

    peer = Stock(what.space, what.epochs)

    class Ratings(keras_tuner.HyperModel):
        def build(self, hp: Any) -> Any:
            model, self.options = peer.model(hp, seed=42)
            return model

        def fit(self, hp: Any, model: Any, callbacks: Any = (), **_: Any) -> Any:
            return fit(model, self.options, callbacks)

    tuner = keras_tuner.RandomSearch(
        Ratings(),
        objective=keras_tuner.Objective("val_rmse", "min"),
        max_trials=what.trials,
        seed=42,
        directory=folder,
        project_name="bench",
    )
    tuner.search()


def run_arm(arm: str, what: Asked) -> None:
    """What a fresh process does: one whole study in a folder that is gone afterwards."""
    name, *flags = json.loads(arm)
    with tempfile.TemporaryDirectory() as folder:
        if name == "trialbook":
            trialbook(Path(folder), what, *flags)
        elif name == "optuna":
            optuna_with_autolog(Path(folder), what, flags == ["models"])
        else:
            keras_tuner_search(Path(folder), what)


def measure(what: Asked, arms: Sequence[Sequence[str]], rounds: int) -> list[dict[str, Any]]:
    """Wall seconds of every study in each round, and trials an hour at their median."""
    seconds: dict[str, list[float]] = {" ".join(arm): [] for arm in arms}
    for number in range(1, rounds + 1):
        for arm in arms:
            command = [sys.executable, __file__, "--arm", json.dumps(arm)]
            command += ["--asked", json.dumps(what)]
            started = time.perf_counter()
            quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
            subprocess.run(command, check=True, **quiet)
            seconds[" ".join(arm)].append(time.perf_counter() - started)
            took = seconds[" ".join(arm)][-1]
            print(f"round {number}, {' '.join(arm)}: {took:.0f} s", file=sys.stderr)
    return [
        {
            "study": study,
            "seconds": taken,
            "trials_per_hour": 3600 * what.trials / statistics.median(taken),
        }
        for study, taken in seconds.items()
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=int, default=12)
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--space", choices=["baseline", "default"], default="baseline")
    parser.add_argument("--arm", help=argparse.SUPPRESS)
    parser.add_argument("--asked", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.arm:
        run_arm(given.arm, Asked(*json.loads(given.asked)))
        return
    what = asked(given.space, given.trials, given.epochs)
    rows = measure(what, ARMS if given.space == "baseline" else WHOLE, given.rounds)
    if given.json:
        threads = len(os.sched_getaffinity(0))
        found = {"trials": given.trials, "epochs": given.epochs, "threads": threads, "rows": rows}
        print(json.dumps(found, indent=2))
        return
    for row in rows:
        print(
            f"{row['study']:<64} {statistics.median(row['seconds']):>6.0f} s "
            f"{row['trials_per_hour']:>6.0f} trials/h"
        )


if __name__ == "__main__":
    main()
