"""Who finds more, sooner: Trialbook, plain Optuna, and Keras Tuner's three tuners.

    python benchmarks/search_quality.py [--seconds 600] [--seeds 5] [--arms NAME ...] [--json]

Everyone has the same ratings, split, space, builder, early stopping, cores and wall time, each in
a process of its own from its start on. A search's best validation RMSE at a time is that of its
best trial that had ended by then; its pick at the end is scored on the test part, which none of
them saw. Runs that are in `results/search_quality.json` with the same wall time are not run again,
so that the whole can be done in several sittings.
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
from dataclasses import replace
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
RESULTS = HERE / "results" / "search_quality.json"
ARMS = ("trialbook", "optuna", "kt-random", "kt-bayesian", "kt-hyperband")
EPOCHS = 100
SPACE = {"patience": 15, "min_delta": 1e-4}
MARKS = (120, 300, 600)


class Events:
    """Writes a line for every trial that ended: seconds since the start, value, test RMSE."""

    def __init__(self, path: Path, started: float) -> None:
        self._path, self._started = path, started

    def __call__(self, value: float, test: float | None) -> None:
        line = json.dumps({"t": time.time() - self._started, "value": value, "test": test})
        with self._path.open("a", encoding="utf-8") as file:
            file.write(line + "\n")


class Task:
    """The ratings, and one configuration trained with Keras' own `fit`."""

    def __init__(self, events: Events) -> None:
        os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
        import models
        from models.data import load_ratings, split_ratings

        models.set_threads(None)
        self.split = split_ratings(load_ratings("movielens"))
        self.events = events

    def build(self, hp: Any, seed: int) -> Any:
        import models
        from search.space import read

        config, recipe = read(hp, SPACE)
        models.make_deterministic(seed)
        model = models.build_for(self.split, config, seed=seed)
        rows, size = len(self.split.train), recipe.batch_size
        batch = rows if size == "full" else int(size)
        recipe = replace(recipe, epochs=EPOCHS, seed=seed)
        models.compile_model(model, recipe, steps=-(-rows // batch) * EPOCHS)
        model.batch_of_fit = batch
        return model

    def fit(self, model: Any, callbacks: Any = (), epochs: int = EPOCHS, first: int = 0) -> Any:
        import keras

        from models.evaluation import inputs_of

        stop = keras.callbacks.EarlyStopping(
            "val_rmse",
            mode="min",
            patience=SPACE["patience"],
            min_delta=SPACE["min_delta"],
            restore_best_weights=True,
        )
        batch, train = model.batch_of_fit, self.split.train
        return model.fit(
            inputs_of(train),
            train.scores.reshape(-1, 1),
            batch_size=batch,
            epochs=epochs,
            initial_epoch=first,
            validation_data=(inputs_of(self.split.valid), self.split.valid.scores.reshape(-1, 1)),
            validation_batch_size=65_536,
            shuffle=batch < len(train),
            callbacks=[*callbacks, stop],
            verbose=0,
        )

    def done(self, model: Any, value: float) -> None:
        import models
        from models.evaluation import rmse

        test = self.split.test
        self.events(value, rmse(models.predict(model, test), test.scores))


def trialbook(folder: Path, seconds: float, seed: int, events: Events) -> None:
    """The command, as a user starts it; afterwards its trials, and its pick's test RMSE."""
    home = folder / "mlruns"
    study = folder / "study.toml"
    from search import StudyConfig

    config = StudyConfig(
        name="q", trials=100_000, epochs=EPOCHS, seed=seed, workers="auto", space=SPACE
    )
    study.write_text(config.to_toml())
    command = [sys.executable, "-m", "search", "search", str(study), "--home", str(home), "--json"]
    subprocess.run([*command, "--timeout", str(seconds)], check=True, stdout=subprocess.DEVNULL)
    import keras

    from search.library import get_study
    from tracking import MlflowRecorder, Store

    task, store = Task(events), Store(home)
    started, best = events._started, float("inf")
    trials = get_study(store, None, "q").get_trials(deepcopy=False)
    ended = [t for t in trials if t.state.name == "COMPLETE" and t.datetime_complete]
    lines = []
    for trial in sorted(ended, key=lambda t: t.datetime_complete):
        test = None
        if trial.value < best:
            best = trial.value
            address = MlflowRecorder(store).model_uri(trial.user_attrs["trialbook:plan"]["run_id"])
            model_id = str(address).removeprefix("models:/")
            place = store.client().get_logged_model(model_id).artifact_location
            (path,) = Path(place.removeprefix("file://")).rglob("model.keras")
            model = keras.saving.load_model(path, compile=False)
            import models
            from models.evaluation import rmse

            part = task.split.test
            test = rmse(models.predict(model, part), part.scores)
        at = trial.datetime_complete.timestamp() - started
        lines.append(json.dumps({"t": at, "value": trial.value, "test": test}))
    events._path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def plain_optuna(folder: Path, seconds: float, seed: int, events: Events) -> None:
    """TPE and the median pruner at their defaults, on SQLite."""
    import keras
    import keras_tuner
    import optuna

    from search.adapter import SpaceAdapter
    from search.declared import parameters
    from search.space import read

    declared = keras_tuner.HyperParameters()
    read(declared, SPACE)
    adapter, task = SpaceAdapter(parameters(declared)), Task(events)

    def objective(trial: optuna.Trial) -> float:
        hp = keras_tuner.HyperParameters()
        hp.values = adapter.sample(trial)
        model = task.build(hp, seed + trial.number)

        class Report(keras.callbacks.Callback):
            def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
                trial.report(float(logs["val_rmse"]), epoch)
                if trial.should_prune():
                    raise optuna.TrialPruned

        history = task.fit(model, [Report()])
        value = float(min(history.history["val_rmse"]))
        task.done(model, value)
        return value

    study = optuna.create_study(
        storage=f"sqlite:///{folder}/optuna.db",
        sampler=optuna.samplers.TPESampler(seed=seed),
        pruner=optuna.pruners.MedianPruner(),
    )
    study.optimize(objective, timeout=seconds, catch=(ValueError,))


def keras_tuner_with(kind: str, folder: Path, seed: int, events: Events) -> None:
    """One of Keras Tuner's tuners; ended from outside when its time is over."""
    import keras_tuner

    task = Task(events)

    class Ratings(keras_tuner.HyperModel):
        def build(self, hp: Any) -> Any:
            return task.build(hp, seed)

        def fit(self, hp: Any, model: Any, **options: Any) -> Any:
            history = task.fit(
                model,
                options.get("callbacks", ()),
                epochs=options.get("epochs", EPOCHS),
                first=options.get("initial_epoch", 0),
            )
            task.done(model, float(min(history.history["val_rmse"])))
            return history

    usual = {
        "objective": keras_tuner.Objective("val_rmse", "min"),
        "seed": seed,
        "directory": folder,
        "project_name": "q",
    }
    if kind == "kt-hyperband":
        tuner = keras_tuner.Hyperband(
            Ratings(), max_epochs=EPOCHS, hyperband_iterations=1000, **usual
        )
    else:
        make = {
            "kt-random": keras_tuner.RandomSearch,
            "kt-bayesian": keras_tuner.BayesianOptimization,
        }[kind]
        tuner = make(Ratings(), max_trials=100_000, max_consecutive_failed_trials=1000, **usual)
    tuner.search()


def run(arm: str, seconds: float, seed: int) -> list[dict[str, Any]]:
    """One search in a process of its own; its trials that ended in time."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "events.jsonl"
        command = [sys.executable, __file__, "--arm", arm, "--folder", folder]
        command += ["--seconds", str(seconds), "--seed", str(seed), "--started", str(time.time())]
        grace = 120 if arm == "trialbook" else 0  # it ends by itself, and then draws its plots
        log = (Path(folder) / "log.txt").open("w")
        process = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            process.wait(seconds + grace)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        log.close()
        if not path.exists():
            print((Path(folder) / "log.txt").read_text()[-3000:], file=sys.stderr)
            return []
        lines = [line for line in path.read_text().splitlines() if line.endswith("}")]
    return [each for each in map(json.loads, lines) if each["t"] <= seconds]


def best_at(trials: list[dict[str, Any]], seconds: float) -> dict[str, Any] | None:
    """The best trial that had ended by a time."""
    return min((t for t in trials if t["t"] <= seconds), key=lambda t: t["value"], default=None)


def reached(trials: list[dict[str, Any]], value: float) -> float | None:
    """The time at which a search had a value, or None."""
    return min((t["t"] for t in trials if t["value"] <= value), default=None)


def summary(runs: list[dict[str, Any]], seconds: float) -> list[dict[str, Any]]:
    """Per searcher: medians over seeds of the best at each mark, of the pick's test RMSE, and of
    the share of its time in which ours had its final best."""
    ours = {run["seed"]: run["trials"] for run in runs if run["arm"] == "trialbook"}
    rows = []
    for arm in ARMS:
        own = [run for run in runs if run["arm"] == arm and run["trials"]]
        if not own:
            continue
        row: dict[str, Any] = {"arm": arm, "seeds": len(own)}
        for mark in [m for m in MARKS if m <= seconds]:
            found = [best_at(each["trials"], mark) for each in own]
            row[f"best_{mark}"] = _median([f["value"] for f in found if f])
        picks = [best_at(each["trials"], seconds) for each in own]
        row["test"] = _median([p["test"] for p in picks if p and p["test"] is not None])
        shares = []
        for each in own:
            final = best_at(each["trials"], seconds)
            if arm != "trialbook" and final and each["seed"] in ours:
                at = reached(ours[each["seed"]], final["value"])
                shares.append(float("inf") if at is None else at / final["t"])
        row["share"] = _median(shares)
        rows.append(row)
    return rows


def _median(values: list[float]) -> float | None:
    return statistics.median(values) if values else None


def main() -> None:
    """Run what is missing and print a table, or JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--arms", nargs="+", default=list(ARMS), choices=ARMS)
    parser.add_argument("--json", action="store_true")
    for name, kind in (("--arm", str), ("--folder", Path), ("--seed", int), ("--started", float)):
        parser.add_argument(name, type=kind, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.arm:
        events = Events(given.folder / "events.jsonl", given.started)
        if given.arm == "trialbook":
            trialbook(given.folder, given.seconds, given.seed, events)
        elif given.arm == "optuna":
            plain_optuna(given.folder, given.seconds, given.seed, events)
        else:
            keras_tuner_with(given.arm, given.folder, given.seed, events)
        return
    stored = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    kept = (stored.get("found") or {}).get("runs", [])
    runs = [each for each in kept if each["seconds"] == given.seconds]
    for seed in range(given.seeds):
        for arm in given.arms:
            if any((each["arm"], each["seed"]) == (arm, seed) for each in runs):
                continue
            trials = run(arm, given.seconds, seed)
            runs.append({"arm": arm, "seed": seed, "seconds": given.seconds, "trials": trials})
            best = best_at(trials, given.seconds)
            print(f"{arm} seed {seed}: {len(trials)} trials, {best}", file=sys.stderr, flush=True)
            found = {"seconds": given.seconds, "runs": runs}
            RESULTS.write_text(json.dumps({"found": found}) + "\n", encoding="utf-8")
    found = {"seconds": given.seconds, "rows": summary(runs, given.seconds), "runs": runs}
    if given.json:
        print(json.dumps(found))
        return
    for row in found["rows"]:
        print(row)


if __name__ == "__main__":
    main()
