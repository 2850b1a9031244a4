"""What a pruner saves and what it loses, on the curves of a family of data sets.

    python benchmarks/pruning.py draw tuning|held-out --file CURVES.jsonl [--seconds 1500]
    python benchmarks/pruning.py compare CURVES.jsonl [--orders 10] [--json]

`draw` trains the recipes and random configurations of the default space to their end, on every set
of a half of `family.py`, and keeps their curves. `compare` then plays studies: the trials come in a
random order, or the first two or all of the recipes come before the others as they do in studies; a
pruner ends some, and the time is over after a share of what all of them take. What counts is how
far the best complete trial is above the least of all, as a share of how far the median trial is: 0
is the best, 1 the median.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import optuna
from family import HALVES, write
from optuna.trial import TrialState

from search.pruners.factory import make_pruner
from search.pruners.median import FORMER, RATINGS, Usual
from search.pruners.peers import has_small_batches
from search.pruners.warm_up import WARM_UP_SMALL_BATCHES, first_judged
from search.storage.internals import frozen
from search.storage.trial_attributes import Key

STOPPING = {"patience": 12, "min_delta": 1e-4, "overfit_patience": 5}
EPOCHS = 100
DRAWS = 16
SHARES = (0.1, 0.3)
RECIPES_FIRST = {"random": (0,), "recipes first": (2, 8)}
_MOST_SECONDS = 0.35  # of an epoch


def draw(half: str, file: Path, seconds: float) -> None:
    """Train configurations on each set of a half, and keep their curves; one line each."""
    import keras
    import keras_tuner

    import models
    from models.data import load_ratings, split_ratings
    from search.space.ratings import read

    models.set_threads(1, fast=True)
    began = time.monotonic()
    for name in HALVES[half]:
        with tempfile.TemporaryDirectory() as folder:
            split = split_ratings(load_ratings(str(write(name, Path(folder)))))
        for number, values in enumerate(_configurations(split)):
            if time.monotonic() - began > seconds:
                return
            hp = keras_tuner.HyperParameters()
            hp.values = dict(values)
            network, recipe = read(hp, STOPPING)
            models.make_deterministic(1)
            model = models.build_for(split, network, seed=1)
            result = models.train(model, split, replace(recipe, epochs=EPOCHS, seed=1))
            curve = [epoch.metrics["val_rmse"] for epoch in result.epochs]
            took = [round(epoch.seconds, 4) for epoch in result.epochs]
            line = {
                "set": name,
                "rows": len(split.train),
                "number": number,
                "values": values,
                "curve": curve,
                "took": took,
            }
            with file.open("a", encoding="utf-8") as kept:
                kept.write(json.dumps(line) + "\n")
            keras.backend.clear_session()


def _configurations(split: Any) -> Iterator[Mapping[str, Any]]:
    """The recipes, fitted to the ratings, then random ones whose epoch is short."""
    from search import StudyConfig
    from search.cost.epochs import EpochCost
    from search.cost.work import Size
    from search.space.configurations import read_configurations
    from search.space.distributions import SpaceAdapter
    from search.space.hypermodel import declare, parameters
    from search.space.recipes import RECIPES as FILE
    from search.space.recipes import fitted

    rows = {"user_rows": split.vocabulary.user_rows, "movie_rows": split.vocabulary.movie_rows}
    for values in read_configurations(FILE):
        yield dict(fitted(values, SimpleNamespace(profile=rows)))  # type: ignore[arg-type]
    cost = EpochCost(Size(train_rows=len(split.train), valid_rows=len(split.valid), **rows))
    adapter = SpaceAdapter(parameters(declare(StudyConfig.default())))
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=5))
    drawn = 0
    while drawn < DRAWS:
        values = adapter.sample(study.ask())
        if cost.seconds(values) < _MOST_SECONDS:
            drawn += 1
            yield values


class Played:
    """A study whose trials come in an order, and are known to their end."""

    def __init__(self, pruner: str, usual: Usual) -> None:
        self._pruner = make_pruner(pruner, epochs=EPOCHS, usual=usual)
        self._name, self._usual = pruner, usual
        # Trials with small batches are judged by themselves.
        self._studies = {small: optuna.create_study() for small in (False, True)}

    def trains(self, trial: Mapping[str, Any], *, judged: bool) -> tuple[float, float | None]:
        """Train a trial: seconds, and its best value; None where it is pruned."""
        size, small = trial["values"].get("batch_size", "full"), has_small_batches(trial["values"])
        finite = np.where(np.isfinite(trial["curve"]), trial["curve"], 1e9)
        best = np.minimum.accumulate(finite).tolist()
        judges = judged and self._name != "none"
        steps = -(-trial["rows"] // int(size)) if small else 1
        epochs = max(self._usual.warm_up, min(WARM_UP_SMALL_BATCHES, -(-15 // steps)))
        first = first_judged(self._name, {}, small=small, epochs=epochs) if judges else len(best)
        study = self._studies[small]
        played = study.ask()
        played.set_user_attr(Key.PLAN.value, {"values": {"batch_size": size}})
        played.set_user_attr(Key.SLOT.value, played.number)
        for epoch, value in enumerate(best, 1):
            played.report(value, epoch)
            if first <= epoch < len(best) and self._pruner.prune(study, frozen(played)):
                study.tell(played, state=TrialState.PRUNED)
                return sum(trial["took"][:epoch]), None
        study.tell(played, best[-1])
        return sum(trial["took"]), best[-1]


def _regrets(
    trials: Sequence[Mapping[str, Any]], order: Sequence[int], pruner: str, usual: Usual
) -> list[float]:
    """How far the best complete trial is above the least, after each share of the time."""
    whole = sum(sum(trial["took"]) for trial in trials)
    ends = [min(trial["curve"]) for trial in trials]
    least = min(ends)
    played, spent, best = Played(pruner, usual), 0.0, math.inf
    found = [math.inf] * len(SHARES)
    for place, number in enumerate(order):
        seconds, value = played.trains(trials[number], judged=place > 0)
        spent += seconds
        best = min(best, math.inf if value is None else value)
        found = [
            best if spent <= share * whole else old
            for share, old in zip(SHARES, found, strict=True)
        ]
    middle = statistics.median(ends) - least
    return [min(2.0, (value - least) / middle) for value in found]


RULES: dict[str, tuple[str, Usual]] = {
    "none": ("none", FORMER),
    "median, as before": ("median", FORMER),
    **{
        f"median, {startup} complete, {gains} gains, from epoch {first}": (
            "median",
            Usual(startup, gains, first),
        )
        for startup in (1, 2, 4)
        for gains in (4, 12, 24)
        for first in ((2, 4) if startup == 2 and gains == 12 else (4,))
    },
    "asha": ("asha", FORMER),
    "hyperband": ("hyperband", FORMER),
}
CHOSEN = "median, 2 complete, 12 gains, from epoch 4"
assert RULES[CHOSEN][1][:2] == RATINGS[:2]


def compare(lines: Sequence[Mapping[str, Any]], orders: int) -> dict[str, Any]:
    """The mean regret of each rule after each share of the time, over sets and orders."""
    sets: dict[str, list[Mapping[str, Any]]] = {}
    for line in lines:
        sets.setdefault(line["set"], []).append(line)
    return {
        "sets": {name: len(trials) for name, trials in sets.items()},
        "shares": list(SHARES),
        "regrets": {
            rule: {
                order: np.mean(
                    [
                        _regrets(trials, _order(len(trials), first, n), *how)
                        for trials in sets.values()
                        for first in firsts
                        for n in range(orders)
                    ],
                    axis=0,
                )
                .round(3)
                .tolist()
                for order, firsts in RECIPES_FIRST.items()
            }
            for rule, how in RULES.items()
        },
    }


def _order(count: int, first: int, number: int) -> list[int]:
    """Some recipes, then the rest in a random order; the recipes left over are tried by nobody."""
    recipes = count - DRAWS  # eight when the stored curves were drawn
    rest = np.arange(count) if not first else np.arange(recipes, count)
    shuffled = np.random.default_rng(number).permutation(rest)
    return [*range(first), *shuffled.tolist()]


def main() -> None:
    """Draw curves, or compare pruners on them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    drawing = commands.add_parser("draw")
    drawing.add_argument("half", choices=list(HALVES))
    drawing.add_argument("--file", type=Path, required=True)
    drawing.add_argument("--seconds", type=float, default=1500)
    comparing = commands.add_parser("compare")
    comparing.add_argument("file", type=Path)
    comparing.add_argument("--orders", type=int, default=10)
    comparing.add_argument("--json", action="store_true")
    given = parser.parse_args()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    if given.command == "draw":
        draw(given.half, given.file, given.seconds)
        return
    lines = [json.loads(line) for line in given.file.read_text(encoding="utf-8").splitlines()]
    found = compare(lines, given.orders)
    if given.json:
        print(json.dumps(found, indent=2))
        return
    print(f"regret after {', '.join(f'{share:.0%}' for share in SHARES)} of the time")
    for rule, by_order in found["regrets"].items():
        for order, regrets in by_order.items():
            print(f"{rule:<30} {order:<14} {'  '.join(f'{each:.3f}' for each in regrets)}")


if __name__ == "__main__":
    main()
