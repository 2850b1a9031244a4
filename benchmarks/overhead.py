"""What a trial costs beside its training: asked for, recorded, drawn, told.

A study runs as it always does, but its child is made up: it reports a curve and is done at once,
so that what is left is the cost. Two figures tell it:

- "wall" is the median time from one trial's end to the next one's: what a worker waits for. The
  record is written behind the trials, so that only a part of it is in there.
- "CPU" is what a trial adds to the CPU time of the whole process, the record included: a study of
  80 more trials beside one of 20 more, divided by 60.

The last row is that of the usual study: the sampler `tpe`, the pruner `median`, models logged.

    python benchmarks/overhead.py [--trials 20] [--stored 10 1000] [--epochs 60] [--json]
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import tempfile
import time
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras_tuner
import optuna
from copied_runs import copied_run, copy_runs

from search import StudyConfig
from search.child.messages import KERAS, Done, EpochEnded, Message, Ready, Task
from search.executor.interrupts import Stop
from search.space import ratings as space
from search.space.distributions import SpaceAdapter
from search.space.hypermodel import parameters
from search.storage.database import open_storage
from search.storage.studies import Studies
from search.storage.trial_attributes import Key
from search.study.session import Session
from search.trial.progress import Silent
from tracking import DatasetRecord, EpochRecord, Store, TrialRecord

PROFILE = dict.fromkeys(
    (
        "rows",
        "users",
        "movies",
        "train_rows",
        "valid_rows",
        "test_rows",
        "global_mean_val_rmse",
        "biases_val_rmse",
    ),
    1,
)


class MadeUp:
    """Stands for the supervisor and its child: a curve of the usual shape, at once."""

    role = KERAS  # its models are there: no keeper makes them

    def __init__(self, epochs: int, model: Path | None) -> None:
        self._model = model
        hp = keras_tuner.HyperParameters()
        space.read(hp)
        self._epochs = epochs
        self._space = parameters(hp)
        self._messages: deque[Message] = deque()

    def ready(self, stop: Stop | None = None) -> Ready:
        return Ready(
            space=self._space,
            first=space.baseline_values(),
            dataset=DatasetRecord(name="made up", content_hash="0" * 64, profile=PROFILE),
            workers=1,
            threads=1,
            warnings=(),
            devices=("CPU",),
        )

    def ready_unless(self, is_over: Callable[[], bool]) -> Ready:
        return self.ready()

    def submit(self, task: Task, is_over: Callable[[], bool]) -> bool:
        (task.folder / "config.json").write_text("{}\n")
        (task.folder / "layers.txt").write_text("made up\n")
        if self._model is not None:
            shutil.copytree(self._model, task.folder / "model")
        kind = "ratings" if self._model is not None else None
        curve = [0.9 + 0.4 * 0.9**epoch for epoch in range(self._epochs)]
        judged = task.judged_from or self._epochs + 1
        for epoch, value in enumerate(curve, 1):
            names = ("loss", "rmse", "val_loss", "val_rmse")
            record = EpochRecord(epoch=epoch, seconds=0.1, metrics=dict.fromkeys(names, value))
            self._messages.append(EpochEnded(record=record, waits=epoch >= judged))
        figures = {"best_val_rmse": curve[-1], "best_epoch": self._epochs}
        done = Done(end_reason="epochs", value=curve[-1], metrics=figures, model_kind=kind)
        self._messages.append(done)
        return True

    def poll(self, timeout_s: float) -> Message | None:
        return self._messages.popleft()

    def reply(self, goes_on: bool) -> None:
        """Go on in any case, so that every trial has the same length."""

    def log_tail(self) -> str:
        return ""

    def close(self) -> None:
        pass


class Clock(Silent):
    """Seconds from the end of one trial to the end of the next, and the process's CPU seconds."""

    def __init__(self) -> None:
        self.trials: list[float] = []
        self.end_s = self.cpu_s = 0.0
        self._last = time.perf_counter()
        self._cpu = time.process_time()

    def study(self, record: Any, *, finished: int, target: int) -> None:
        self._last = time.perf_counter()

    def ended(self, record: TrialRecord, *, finished: int, target: int) -> None:
        now = time.perf_counter()
        self.trials.append(now - self._last)
        self._last = now

    def end(self) -> None:
        self.end_s = time.perf_counter() - self._last
        self.cpu_s = time.process_time() - self._cpu


def measure(stored: int, trials: int, epochs: int, *, model: Path | None = None) -> dict[str, Any]:
    """Seconds a trial with so many trials in the storage already.

    Args:
        stored: Trials in the storage.
        trials: That are run twice: so many, then four times as many.
        epochs: A trial.
        model: Folder of the model that each trial logs, and the study asks `tpe` and `median`;
            None for a study that logs none, proposes at random and prunes nothing.
    """
    sampler, pruner = ("tpe", "median") if model is not None else ("random", "none")
    config = StudyConfig(
        name="made up", trials=1, epochs=epochs, sampler=sampler, pruner=pruner, workers=1
    )
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder) / "mlruns")
        _run(config, store, epochs, model)
        _fill(config, store, stored, epochs)
        few = _run(replace(config, trials=1 + stored + trials), store, epochs, model)
        many = _run(replace(config, trials=1 + stored + 5 * trials), store, epochs, model)
    first, *rest = many.trials
    return {
        "stored": stored,
        "sampler": sampler,
        "pruner": pruner,
        "models": model is not None,
        "first_wall_ms": 1000 * first,
        "wall_ms": 1000 * statistics.median(rest),
        "cpu_ms": 1000 * (many.cpu_s - few.cpu_s) / (3 * trials),
        "end_s": few.end_s,
    }


def _run(config: StudyConfig, store: Store, epochs: int, model: Path | None) -> Clock:
    clock = Clock()
    made_up = MadeUp(epochs, model)
    session = Session(config, Studies(store), made_up, clock, Stop())  # type: ignore[arg-type]
    session.run()
    clock.end()
    return clock


def _fill(config: StudyConfig, store: Store, count: int, epochs: int) -> None:
    """Copies of the trial that ran, with runs, at points of their own for the sampler."""
    study = optuna.load_study(study_name=config.name, storage=open_storage(store, None))
    (model,) = study.get_trials()
    adapter = SpaceAdapter(MadeUp(epochs, None).ready().space)
    random = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=1))
    for number in range(1, count + 1):
        asked = random.ask()
        adapter.sample(asked)
        study.add_trial(
            optuna.trial.create_trial(
                params=asked.params,
                distributions=asked.distributions,
                value=model.value,
                user_attrs={
                    Key.SLOT: number,
                    Key.PLAN: model.user_attrs[Key.PLAN],
                    Key.OUTCOME: model.user_attrs[Key.OUTCOME],
                    Key.RUN: copied_run(number),
                },
            )
        )
    copy_runs(store.tracking_uri, count)


def save_baseline(folder: Path) -> Path:
    """The baseline of the sample, not trained, as a trial saves it; the folder."""
    import models
    from models.data import load_ratings, split_ratings

    split = split_ratings(load_ratings("movielens"))
    config, _ = models.baseline()
    model = models.build_for(split, config, seed=1)
    models.save_ratings_model(model, split.vocabulary, folder)
    return folder


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=int, default=20)
    parser.add_argument("--stored", type=int, nargs="+", default=[10, 1000])
    parser.add_argument("--epochs", type=int, default=60)
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    given = parser.parse_args()
    rows = [measure(stored, given.trials, given.epochs) for stored in given.stored]
    with tempfile.TemporaryDirectory() as folder:
        model = save_baseline(Path(folder) / "model")
        first = given.stored[0]
        rows.append(measure(first, given.trials, given.epochs, model=model))
    if given.json:
        threads = len(os.sched_getaffinity(0))
        print(json.dumps({"epochs": given.epochs, "threads": threads, "rows": rows}, indent=2))
        return
    print(f"A trial of {given.epochs} epochs, beside its training; a study's end apart")
    print(f"{'stored':>7} {'first ms':>9} {'wall ms':>8} {'CPU ms':>8} {'end s':>8}")
    for row in rows:
        print(
            f"{row['stored']:>7} {row['first_wall_ms']:>9.0f} {row['wall_ms']:>8.0f} "
            f"{row['cpu_ms']:>8.0f} {row['end_s']:>8.1f}"
        )


if __name__ == "__main__":
    main()
