"""Which few configurations a study should begin with: a portfolio, chosen on the tuning half.

    python benchmarks/portfolio.py draw --part 0 --parts 2 --seconds 1500 --file DRAWS.jsonl
    python benchmarks/portfolio.py choose DRAWS.jsonl ... [--count 6]
    python benchmarks/portfolio.py report [--half held-out]      # the recipes as they are

The recipes of today and configurations drawn at random are each fitted to every set of the tuning
half of `family.py`, as a study does, and trained. Then they are chosen one by one: the first is the
best on average over the sets, the next is what improves the best of those before it most (Pfisterer
et al., "Learning Multiple Defaults for Machine Learning Algorithms", GECCO 2021 Companion). What
counts on a set is how far a validation RMSE is above the least of all draws, as a share of how far
the biases are.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from family import HALVES, write
from numpy.typing import NDArray

from search.cost.epochs import EpochCost
from search.cost.work import Size
from search.space.configurations import read_configurations
from search.space.recipes import RECIPES, fitted
from search.space.scores import ScoreRange
from tracking import DatasetRecord

STOPPING = {"patience": 15, "min_delta": 1e-4, "overfit_patience": 5}
EPOCHS = 100
_MOST_SECONDS = 0.08  # of an epoch of 100,000 ratings
_SAMPLE_USERS = 672  # penalties of recipes are on a table of so many users
_NO_PENALTY, _MOST_PENALTY = 1e-9, 1e-3


class Known(NamedTuple):
    """A set's split, its biases' validation RMSE, and what recipes are fitted to."""

    split: Any
    biases: float
    record: DatasetRecord


def known(half: str) -> dict[str, Known]:
    """Load the sets of a half."""
    from models.data import load_ratings, split_ratings
    from models.evaluation import trivial_rmse

    found = {}
    with tempfile.TemporaryDirectory() as folder:
        for name in HALVES[half]:
            split = split_ratings(load_ratings(str(write(name, Path(folder)))))
            words, scores = split.vocabulary, ScoreRange.of(split)
            profile = {"user_rows": words.user_rows, "movie_rows": words.movie_rows}
            profile |= {"score_low": scores.low, "score_high": scores.high}
            record = DatasetRecord(name=name, content_hash="", profile=profile)
            found[name] = Known(split, trivial_rmse(split).biases, record)
    return found


def drawn(number: int) -> dict[str, Any]:
    """A recipe of today, or a configuration drawn at random, as a recipe for the sample.

    A drawn one has short epochs: a study begins with it.
    """
    recipes = read_configurations(RECIPES)
    if number < len(recipes):
        return dict(recipes[number])
    size = Size(train_rows=100_000, valid_rows=25_000, user_rows=3_000, movie_rows=1_500)
    for attempt in range(1_000):
        values = placed(_drawn(np.random.default_rng([77, number, attempt])))
        if EpochCost(size).seconds(values) < _MOST_SECONDS:
            break
    return values


def _drawn(random: np.random.Generator) -> dict[str, Any]:
    """Draw a configuration; its penalty is one a rating, and `biases` the share of the biases'."""

    def between(low: float, high: float) -> float:
        return float(math.exp(random.uniform(math.log(low), math.log(high))))

    def one_of(values: Sequence[Any], chances: Sequence[float] | None = None) -> Any:
        return values[int(random.choice(len(values), p=chances))]

    family = one_of(["gmf", "mlp", "neumf"], [0.45, 0.3, 0.25])
    values: dict[str, Any] = {"family": family}
    if family != "mlp":
        rates, chances = [0, 0.3, 0.5, 0.6, 0.7, 0.8, 0.9], [0.3, 0.1, 0.15, 0.1, 0.15, 0.1, 0.1]
        values |= {"factors": round(between(6, 64)), "factor_dropout": one_of(rates, chances)}
        values["biases"] = between(0.01, 1)
    if family != "gmf":
        values["layers"], width = int(random.integers(1, 4)), between(16, 256)
        for layer in range(1, values["layers"] + 1):
            values[f"units_{layer}"] = int(np.clip(round(width), 8, 256))
            width *= one_of([0.5, 0.5, 1.0])
            values[f"dropout_{layer}"] = one_of([0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6])
        values |= {"activation": one_of(["relu", "elu", "silu"]), "l2_kernel": between(1e-6, 1e-2)}
        values |= {"embedding_size": round(between(4, 64)), "sizes": "shared"}
        values["embedding_dropout"] = one_of([0, 0, 0.2, 0.4, 0.6])
    optimizers = ["adam", "adamw", "nadam", "rmsprop"]
    return values | {
        "penalty": between(1e-3, 0.3),
        "output_activation": one_of(["linear", "scaled_sigmoid"]),
        "output_bias": "train_mean",
        "optimizer": one_of(optimizers, [0.4, 0.2, 0.25, 0.15]),
        "learning_rate": between(5e-4, 1e-2),
        "embedding_rate": one_of([1.0, between(0.3, 6)], [0.6, 0.4]),
        "schedule": one_of(["constant", "cosine", "exponential"], [0.5, 0.3, 0.2]),
        "batch_size": one_of(["256", "1024", "4096"]),
    }


def placed(values: Mapping[str, Any]) -> dict[str, Any]:
    """A drawn configuration as a recipe, whose penalties are meant for the sample."""
    own = {name: each for name, each in values.items() if name not in ("penalty", "biases")}
    share, a_rating = values.get("biases"), values["penalty"]

    def on_table(penalty: float) -> float:
        return float(np.clip(penalty / _SAMPLE_USERS, _NO_PENALTY, _MOST_PENALTY))

    own["l2_embedding"] = on_table(a_rating)
    if share is not None:
        own["l2_bias"] = on_table(a_rating * share)
    return own


def trained(values: Mapping[str, Any], split: Any, seed: int = 1) -> dict[str, float]:
    """Train a configuration as a trial; its validation and test RMSE, and the seconds it took."""
    import keras
    import keras_tuner

    import models
    from models.evaluation import rmse
    from search.space.ratings import read

    hp = keras_tuner.HyperParameters()
    hp.values = dict(values)
    network, recipe = read(hp, STOPPING)
    models.make_deterministic(seed)
    model = models.build_for(split, network, seed=seed)
    began = time.thread_time()
    result = models.train(model, split, replace(recipe, epochs=EPOCHS, seed=seed))
    seconds = time.thread_time() - began
    test = rmse(models.predict(model, split.test), split.test.scores)
    keras.backend.clear_session()
    return {"val": result.best_val_rmse, "test": test, "seconds": seconds}


def draw(part: int, parts: int, seconds: float, file: Path) -> None:
    """Draw and train until the time is over; one line a configuration."""
    import models

    models.set_threads(1, fast=True)
    sets, end, number = known("tuning"), time.monotonic() + seconds, part
    while time.monotonic() < end:
        values = drawn(number)
        found = {name: trained(fitted(values, one.record), one.split) for name, one in sets.items()}
        with file.open("a", encoding="utf-8") as lines:
            lines.write(json.dumps({"number": number, "values": values, "found": found}) + "\n")
        print(number, file=sys.stderr, flush=True)
        number += parts


def regrets(rows: Sequence[Mapping[str, Any]], biases: Mapping[str, float]) -> NDArray[np.float64]:
    """How far each draw is above the least of all on each set, `[draw, set]`.

    1 is as far as the biases; what did not train counts as twice as far.
    """
    values = np.array([[row["found"][name]["val"] for name in biases] for row in rows])
    least, bar = np.nanmin(values, axis=0), np.array(list(biases.values()))
    away = (values - least) / np.maximum(bar - least, 0.01 * bar)
    return np.minimum(np.nan_to_num(away, nan=2.0), 2.0)


def chosen(away: NDArray[np.float64], count: int) -> list[int]:
    """Choose draws one by one, each for what it adds to those before it, `[draw, set]` given."""
    picked: list[int] = []
    best = np.full(away.shape[1], np.inf)
    for _ in range(count):
        means = np.minimum(away, best).mean(axis=1)
        picked.append(int(np.argmin(means)))
        best = np.minimum(best, away[picked[-1]])
    return picked


def report(half: str) -> dict[str, Any]:
    """Train the recipes as a study fits them to each set of a half."""
    found: dict[str, Any] = {}
    for name, one in known(half).items():
        recipes = [fitted(values, one.record) for values in read_configurations(RECIPES)]
        runs = [trained(values, one.split) for values in recipes]
        found[name] = {"biases": one.biases, "recipes": runs}
        print(name, [round(run["val"], 4) for run in runs], file=sys.stderr, flush=True)
    return found


def main() -> None:
    """Draw, choose or report."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    do = parser.add_subparsers(dest="what", required=True)
    drawing = do.add_parser("draw")
    drawing.add_argument("--part", type=int, default=0)
    drawing.add_argument("--parts", type=int, default=1)
    drawing.add_argument("--seconds", type=float, default=1500)
    drawing.add_argument("--file", type=Path, required=True)
    choosing = do.add_parser("choose")
    choosing.add_argument("files", type=Path, nargs="+")
    choosing.add_argument("--count", type=int, default=6)
    reporting = do.add_parser("report")
    reporting.add_argument("--half", choices=list(HALVES), default="held-out")
    given = parser.parse_args()
    if given.what == "draw":
        draw(given.part, given.parts, given.seconds, given.file)
    elif given.what == "report":
        print(json.dumps(report(given.half), indent=2))
    else:
        lines = [line for file in given.files for line in file.read_text().splitlines()]
        rows = [json.loads(line) for line in lines]
        away = regrets(rows, {name: one.biases for name, one in known("tuning").items()})
        for number in chosen(away, given.count):
            one = rows[number]
            told = {"number": one["number"], "away": away[number].round(3).tolist()}
            print(json.dumps(told | {"values": one["values"]}, indent=2))


if __name__ == "__main__":
    main()
