"""Who finds more, sooner: Trialbook, plain Optuna, Keras Tuner's three tuners, Ray Tune.

    python benchmarks/search_quality.py [--seconds 600] [--seeds 5] [--arms NAME ...] [--picture F]

Everyone has the same ratings, split, space, builder, patience, cores and wall time, each in a
process of its own from its start on; ours is the default study, which ends trials that overfit. A
search's best validation RMSE at a time is that of its best trial that had ended by then; its pick
at the end is scored on the test part, which none of them saw. Runs that are in
`results/search_quality.json` with the same wall time are not run again, so that the whole can be
done in several sittings.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from stock import Stock, best, fit

HERE = Path(__file__).parent
RESULTS = HERE / "results" / "search_quality.json"
NAMES = {
    "trialbook": "Trialbook",
    "optuna": "Optuna: TPE, median pruner",
    "kt-random": "Keras Tuner: RandomSearch",
    "kt-bayesian": "Keras Tuner: BayesianOptimization",
    "kt-hyperband": "Keras Tuner: Hyperband",
    "ray": "Ray Tune: TPE, ASHA",
}
ARMS = tuple(NAMES)
EPOCHS = 100
SPACE = {"patience": 15, "min_delta": 1e-4}
MARKS = (120, 300, 600)


class Events:
    """Writes a line for every trial that ended: seconds since the start, value, test RMSE.

    Another line says when the first epoch began.
    """

    def __init__(self, path: Path, started: float) -> None:
        self.path, self.started = path, started
        self._has_begun = False

    def __call__(self, value: float, test: float | None) -> None:
        self._write({"t": time.time() - self.started, "value": value, "test": test})

    def began(self) -> None:
        """Hear that an epoch begins; only the first counts."""
        if not self._has_begun:
            self._has_begun = True
            self._write({"began": time.time() - self.started})

    def _write(self, line: dict[str, Any]) -> None:
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")


class Arm(NamedTuple):
    """One search: its folder, wall time, seed and ratings, and who hears of its trials."""

    folder: Path
    seconds: float
    seed: int
    data: str
    events: Events

    def stock(self, threads: int | None = None) -> Stock:
        """The ratings, and Keras' `fit`."""
        return Stock(SPACE, EPOCHS, threads, self.data)

    def fit(self, model: Any, options: Any, callbacks: Any = (), **changed: Any) -> Any:
        """Train, and tell when the first epoch begins."""
        import keras

        first = keras.callbacks.LambdaCallback(on_epoch_begin=lambda *_: self.events.began())
        return fit(model, options, [*callbacks, first], **changed)


def trialbook(given: Arm) -> None:
    """The command, as a user starts it; afterwards its trials, and its pick's test RMSE."""
    home, study, events = given.folder / "mlruns", given.folder / "study.toml", given.events
    from search import StudyConfig

    space = StudyConfig.default().space
    config = StudyConfig(
        name="q", trials=100_000, epochs=EPOCHS, seed=given.seed, workers="auto", space=space,
        data=given.data,
    )  # fmt: skip
    study.write_text(config.to_toml())
    command = [sys.executable, "-m", "search", "search", str(study), "--home", str(home), "--json"]
    subprocess.run(
        [*command, "--timeout", str(given.seconds)], check=True, stdout=subprocess.DEVNULL
    )
    import keras

    from search.storage.studies import Studies
    from search.storage.trial_attributes import plan_of
    from tracking import Store
    from tracking.addresses import local_folder

    peer, store = given.stock(), Store(home)
    least = float("inf")
    studies = Studies(store)
    trials = studies.get("q").get_trials(deepcopy=False)
    begun = min(t.datetime_start.timestamp() for t in trials if t.datetime_start)
    lines = [json.dumps({"began": begun - events.started})]
    ended = [t for t in trials if t.state.name == "COMPLETE" and t.datetime_complete]
    for trial in sorted(ended, key=lambda t: t.datetime_complete):
        test = None
        if trial.value < least:
            least = trial.value
            address = studies.recorder().model_uri(str(plan_of(trial).run_id))
            model_id = str(address).removeprefix("models:/")
            place = store.client().get_logged_model(model_id).artifact_location
            (path,) = Path(local_folder(place) or "").rglob("model.keras")
            test = peer.test_rmse(keras.saving.load_model(path, compile=False))
        at = trial.datetime_complete.timestamp() - events.started
        lines.append(json.dumps({"t": at, "value": trial.value, "test": test}))
    events.path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def plain_optuna(given: Arm) -> None:
    """TPE and the median pruner at their defaults, on SQLite."""
    import keras
    import optuna

    peer = given.stock()
    adapter = peer.adapter()

    def objective(trial: optuna.Trial) -> float:
        model, options = peer.model(adapter.sample(trial), given.seed + trial.number)

        class Report(keras.callbacks.Callback):
            def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
                trial.report(float(logs["val_rmse"]), epoch)
                if trial.should_prune():
                    raise optuna.TrialPruned

        value = best(given.fit(model, options, [Report()]))
        given.events(value, peer.test_rmse(model))
        return value

    study = optuna.create_study(
        storage=f"sqlite:///{given.folder}/optuna.db",
        sampler=optuna.samplers.TPESampler(seed=given.seed),
        pruner=optuna.pruners.MedianPruner(),
    )
    study.optimize(objective, timeout=given.seconds, catch=(ValueError,))


def keras_tuner_with(kind: str, given: Arm) -> None:
    """One of Keras Tuner's tuners; ended from outside when its time is over."""
    import keras_tuner

    peer = given.stock()

    class Ratings(keras_tuner.HyperModel):
        def build(self, hp: Any) -> Any:
            model, self.options = peer.model(hp, given.seed)
            return model

        def fit(self, hp: Any, model: Any, callbacks: Any = (), **more: Any) -> Any:
            stages = {each: more[each] for each in ("epochs", "initial_epoch") if each in more}
            history = given.fit(model, self.options, callbacks, **stages)
            given.events(best(history), peer.test_rmse(model))
            return history

    usual = {
        "objective": keras_tuner.Objective("val_rmse", "min"),
        "seed": given.seed,
        "directory": given.folder,
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


def _suggest(adapter: Any, trial: Any) -> None:
    """A space as Ray's search by Optuna asks for it; at the top since Ray pickles it."""
    adapter.sample(trial)


def ray_tune(given: Arm) -> None:
    """Optuna's TPE as Ray has it, and ASHA, one core a trial."""
    import optuna
    import ray
    from ray import tune
    from ray.tune.schedulers import ASHAScheduler
    from ray.tune.search.optuna import OptunaSearch

    adapter = given.stock().adapter()
    peers: list[Stock] = []

    def trainable(config: dict[str, Any]) -> None:
        import keras

        if not peers:
            peers.append(given.stock(threads=1))
        values = adapter.sample(optuna.trial.FixedTrial(config))
        model, options = peers[0].model(values, given.seed)

        class Report(keras.callbacks.Callback):
            def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
                tune.report({"val_rmse": float(logs["val_rmse"])})

        history = given.fit(model, options, [Report()])
        given.events(best(history), peers[0].test_rmse(model))

    ray.init(include_dashboard=False, _temp_dir=str(given.folder / "ray"))
    tune.Tuner(
        tune.with_resources(trainable, {"cpu": 1}),
        tune_config=tune.TuneConfig(
            metric="val_rmse",
            mode="min",
            search_alg=OptunaSearch(
                partial(_suggest, adapter), metric="val_rmse", mode="min", seed=given.seed
            ),
            scheduler=ASHAScheduler(max_t=EPOCHS),
            num_samples=-1,
            time_budget_s=given.seconds - (time.time() - given.events.started),
        ),
        run_config=tune.RunConfig(name="q", storage_path=str(given.folder), verbose=0),
    ).fit()


class Found(NamedTuple):
    """When a search's first epoch began, and its trials that ended in time."""

    began: float
    trials: list[dict[str, Any]]


def run(arm: str, seconds: float, seed: int, data: str = "movielens") -> Found:
    """One search in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "events.jsonl"
        command = [sys.executable, __file__, "--arm", arm, "--folder", folder, "--data", data]
        command += ["--seconds", str(seconds), "--seed", str(seed), "--started", str(time.time())]
        grace = 120 if arm in ("trialbook", "ray") else 0  # they end by themselves, then tidy up
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
            return Found(0.0, [])
        text = path.read_text()
    lines = [json.loads(line) for line in text.splitlines() if line.endswith("}")]
    began = min((each["began"] for each in lines if "began" in each), default=0.0)
    return Found(began, [each for each in lines if each.get("t", math.inf) <= seconds])


def best_at(trials: list[dict[str, Any]], seconds: float) -> dict[str, Any] | None:
    """The best trial that had ended by a time."""
    return min((t for t in trials if t["t"] <= seconds), key=lambda t: t["value"], default=None)


def reached(trials: list[dict[str, Any]], value: float) -> float | None:
    """The time at which a search had a value, or None."""
    return min((t["t"] for t in trials if t["value"] <= value), default=None)


def summary(runs: list[dict[str, Any]], seconds: float) -> list[dict[str, Any]]:
    """Per searcher, as medians over seeds: its best at each mark, the test RMSE of its pick, when
    it had its final best, when ours had that, and that as a share of the searcher's time to it.

    Seeds that ours has not run are left out. A median is None where half of the seeds or more never
    got there.
    """
    ours = {run["seed"]: run["trials"] for run in runs if run["arm"] == "trialbook"}
    rows = []
    for arm in ARMS:
        own = [run for run in runs if run["arm"] == arm and run["trials"] and run["seed"] in ours]
        if not own:
            continue
        row: dict[str, Any] = {
            "arm": arm,
            "name": NAMES[arm],
            "seeds": len(own),
            "trials": statistics.median(len(each["trials"]) for each in own),
        }
        for mark in [m for m in MARKS if m <= seconds]:
            found = [best_at(each["trials"], mark) for each in own]
            row[f"best_{mark}"] = _median([each and each["value"] for each in found])
        picks = [best_at(each["trials"], seconds) or {} for each in own]
        row["test"] = _median([pick["test"] for pick in picks])
        row["had"] = _median([pick["t"] for pick in picks])
        if arm != "trialbook":
            pairs = [(p, ours[e["seed"]]) for p, e in zip(picks, own, strict=True)]
            times = [reached(trials, pick["value"]) for pick, trials in pairs]
            row["reached"] = _median(times)
            shares = [at and at / pick["t"] for at, (pick, _) in zip(times, pairs, strict=True)]
            row["share"] = _median(shares)
        rows.append(row)
    return rows


def draw(runs: list[dict[str, Any]], seconds: float, path: Path) -> None:
    """Each searcher's best over time: the median over seeds, and the range as a band."""
    import numpy as np
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 5), layout="constrained")
    axes = figure.add_subplot()
    times = np.arange(1, seconds + 1)
    for number, arm in enumerate(ARMS):
        own = [run["trials"] for run in runs if run["arm"] == arm and run["trials"]]
        if not own:
            continue
        curves = np.full((len(own), len(times)), np.nan)
        for row, trials in zip(curves, own, strict=True):
            for trial in sorted(trials, key=lambda each: each["t"]):
                row[times >= trial["t"]] = np.fmin(row[times >= trial["t"]], trial["value"])
        everyone = ~np.isnan(curves).any(axis=0)
        curves, shown = curves[:, everyone], times[everyone]
        front = arm == "trialbook"
        colour = "black" if front else f"C{number - 1}"
        look = {"color": colour, "linewidth": 2.4 if front else 1.4, "zorder": 3 if front else 2}
        axes.step(shown, np.median(curves, axis=0), where="post", label=NAMES[arm], **look)
        axes.fill_between(
            shown, curves.min(axis=0), curves.max(axis=0), step="post", color=colour, alpha=0.1
        )
    axes.set_xlabel("seconds since the start of the process")
    axes.set_ylabel("best validation RMSE so far")
    axes.set_xlim(0, seconds)
    least = min(trial["value"] for run in runs for trial in run["trials"])
    axes.set_ylim(least - 0.002, 0.925)
    axes.grid(True, color="#e4e4e4", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, loc="upper right")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=100)


def _median(values: list[float | None]) -> float | None:
    """None counts as beyond everything."""
    middle = statistics.median([math.inf if each is None else each for each in values or [None]])
    return None if middle == math.inf else middle


def main() -> None:
    """Run what is missing and print a table, or JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--arms", nargs="+", default=list(ARMS), choices=ARMS)
    parser.add_argument("--picture", type=Path, help="where to draw the searches as PNG")
    parser.add_argument("--json", action="store_true")
    hidden = {"arm": str, "folder": Path, "seed": int, "started": float, "data": str}
    for name, kind in hidden.items():
        parser.add_argument(f"--{name}", type=kind, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.arm:
        events = Events(given.folder / "events.jsonl", given.started)
        one = Arm(given.folder, given.seconds, given.seed, given.data, events)
        usual = partial(keras_tuner_with, given.arm)
        {"trialbook": trialbook, "optuna": plain_optuna, "ray": ray_tune}.get(given.arm, usual)(one)
        return
    from tracking import provenance

    stored = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    kept = (stored.get("found") or {}).get("runs", [])
    runs = [each for each in kept if each["seconds"] == given.seconds]
    for seed in range(given.seeds):
        for arm in given.arms:
            if any((each["arm"], each["seed"]) == (arm, seed) for each in runs):
                continue
            trials = run(arm, given.seconds, seed).trials
            done = {"arm": arm, "seed": seed, "seconds": given.seconds, "trials": trials}
            runs.append({**done, "machine": provenance()["trialbook.hardware"]})
            leading = best_at(trials, given.seconds)
            print(
                f"{arm} seed {seed}: {len(trials)} trials, {leading}", file=sys.stderr, flush=True
            )
            found = {"seconds": given.seconds, "runs": runs}
            RESULTS.write_text(json.dumps({"found": found}) + "\n", encoding="utf-8")
    if given.picture:
        draw(runs, given.seconds, given.picture)
    found = {"seconds": given.seconds, "rows": summary(runs, given.seconds), "runs": runs}
    if given.json:
        print(json.dumps(found))
        return
    for row in found["rows"]:
        print(row)


if __name__ == "__main__":
    main()
