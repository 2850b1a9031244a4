"""Does `winner` claim what is not there, and find what is? Made-up data sets of both kinds.

    python benchmarks/winner_claims.py [--sets N] [--json]

"noise": scores have nothing to do with users or movies, so that no predictor beats the global
mean; whatever the winner claims over the best trivial predictor on the test part is wrong.
"planted": scores are a product of two factors a user and a movie plus noise. One of four
configurations can learn that; the others cannot in the epochs they have, since their step size is
a thousandth or their penalty a thousand times. Found and confirmed means: that one wins without a
tie, and beats the baseline and every trivial predictor on the test part.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

USERS, MOVIES, ROWS = 300, 120, 12_000
SPACE: dict[str, Any] = {
    "family": "gmf",
    "factors": 4,
    "batch_size": "256",
    "output_activation": "linear",
    "output_bias": "train_mean",
    "optimizer": "adam",
    "embedding_rate": 1.0,
    "schedule": "constant",
    "factor_dropout": 0.0,
    "l2_bias": 1e-5,
    "min_delta": 1e-4,
    "patience": 8,
}
GOOD = {"learning_rate": 0.01, "l2_embedding": 1e-5}
SEARCHED = {"learning_rate": [0.01, 1e-5], "l2_embedding": [1e-5, 0.1]}


def ratings(kind: str, seed: int) -> pd.DataFrame:
    """A data set: columns `user`, `movie`, `score`, scores from 0.5 to 5 by halves."""
    rng = np.random.default_rng(seed)
    pairs = rng.choice(USERS * MOVIES, ROWS, replace=False)
    users, movies = pairs // MOVIES, pairs % MOVIES
    scores = 3.0 + rng.normal(0, 0.6, ROWS)
    if kind == "planted":
        liking = rng.choice([-1.0, 1.0], (USERS, 2))
        having = rng.choice([-1.0, 1.0], (MOVIES, 2))
        scores += 0.6 * (liking[users] * having[movies]).sum(axis=1)
    halves = np.clip(np.round(2 * scores) / 2, 0.5, 5.0)
    return pd.DataFrame({"user": users, "movie": movies, "score": halves})


def decide(kind: str, seed: int) -> dict[str, Any]:
    """One data set: search, `winner`, and what it claims."""
    from search import StudyConfig, run_study
    from search.winner import find_winner
    from tracking import Store

    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "ratings.csv"
        ratings(kind, seed).to_csv(path, index=False)
        config = StudyConfig(
            name=kind,
            trials=5,
            epochs=30,
            data=str(path),
            sampler="grid",
            pruner="none",
            seed=seed,
            split="random",
            space=SPACE | SEARCHED,
            keep_models="none",
            workers=1,
        ).override(user_filter=False)
        result = run_study(config, home=Path(folder) / "mlruns")
        verdict, _ = find_winner(kind, Store(Path(folder) / "mlruns"), top=3, repeats=3)
    params = {t.number: t.params for t in result.record.trials}
    won = params[verdict.number]
    planted = all(won.get(name) == value for name, value in GOOD.items())
    return {
        "kind": kind,
        "seed": seed,
        "claims_win": verdict.beats_trivial,
        "confirmed": bool(
            planted and not verdict.tie and verdict.beats("baseline") and verdict.beats_trivial
        ),
        "tie": list(verdict.tie),
        "p": {each.name: each.p_value for each in verdict.test},
        "rmse": {each.name: each.rmse for each in verdict.test},
        "seconds": time.perf_counter() - started,
    }


def main() -> None:
    """Decide all sets and print a table, or JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", type=int, default=20)
    parser.add_argument("--kinds", nargs="+", default=["noise", "planted"])
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    sets = []
    for kind in given.kinds:
        for seed in range(given.sets):
            sets.append(decide(kind, seed))
            print(json.dumps(sets[-1]), file=sys.stderr, flush=True)
    noise = [each for each in sets if each["kind"] == "noise"]
    planted = [each for each in sets if each["kind"] == "planted"]
    found = {
        "sets": given.sets,
        "noise_without_a_claim": sum(not each["claims_win"] for each in noise),
        "planted_confirmed": sum(each["confirmed"] for each in planted),
        "each": sets,
    }
    if given.json:
        print(json.dumps(found))
        return
    print(f"noise: no claim in {found['noise_without_a_claim']} of {given.sets}")
    print(f"planted: confirmed in {found['planted_confirmed']} of {given.sets}")


if __name__ == "__main__":
    main()
