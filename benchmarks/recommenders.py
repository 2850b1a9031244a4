"""The best of a study against the recommenders of Surprise, each tuned with as many trials.

    python benchmarks/recommenders.py [--trials N] [--seeds N] [--peers FILE] [--json]

Everyone gets the same rows, the same number of random or proposed configurations and chooses by
the validation part; then what each chose is trained on `--seeds` seeds, and its test RMSE is the
mean of those. Surprise is Nicolas Hug's scikit-surprise (JOSS 5(52), 2020): biases alone, KNN with
baselines, SVD and SVD++.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).parent
STUDY = HERE.parent / "search" / "studies" / "factors.toml"
Draw = Callable[[np.random.Generator], dict[str, Any]]


def _log(rng: np.random.Generator, low: float, high: float) -> float:
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def _svd(rng: np.random.Generator, most: int = 200, epochs: int = 60) -> dict[str, Any]:
    return {
        "n_factors": round(_log(rng, 5, most)),
        "n_epochs": int(rng.integers(10, epochs + 1)),
        "lr_all": _log(rng, 2e-3, 2e-2),
        "reg_all": _log(rng, 0.01, 0.3),
    }


def _knn(rng: np.random.Generator) -> dict[str, Any]:
    similarity = {
        "name": str(rng.choice(["pearson_baseline", "pearson_baseline", "msd", "cosine"])),
        "user_based": bool(rng.integers(2)),
        "min_support": int(rng.integers(1, 6)),
        "shrinkage": round(_log(rng, 10, 300)),
    }
    return {
        "k": round(_log(rng, 10, 100)),
        "min_k": int(rng.integers(1, 11)),
        "sim_options": similarity,
        "bsl_options": _biases(rng)["bsl_options"],
        "verbose": False,
    }


def _biases(rng: np.random.Generator) -> dict[str, Any]:
    if rng.integers(2):
        options = {
            "method": "als",
            "reg_i": _log(rng, 1, 30),
            "reg_u": _log(rng, 1, 30),
            "n_epochs": int(rng.integers(5, 21)),
        }
    else:
        options = {
            "method": "sgd",
            "reg": _log(rng, 0.005, 0.2),
            "learning_rate": _log(rng, 0.002, 0.02),
            "n_epochs": int(rng.integers(10, 61)),
        }
    return {"bsl_options": options, "verbose": False}


PEERS: dict[str, Draw] = {
    "BaselineOnly": _biases,
    "KNNBaseline": _knn,
    "SVD": _svd,
    "SVDpp": partial(_svd, most=50, epochs=30),  # its epochs take fifty times as long
}


def peers(
    trials: int, seeds: int, data: str = "movielens", names: Sequence[str] = tuple(PEERS)
) -> dict[str, Any]:
    """Tune each recommender; what it chose and what that comes to on the test part."""
    import surprise

    from models.data import load_ratings, split_ratings

    split = split_ratings(load_ratings(data))
    rows = {
        name: list(
            zip(part.users.tolist(), part.movies.tolist(), part.scores.tolist(), strict=True)
        )
        for name, part in (("train", split.train), ("valid", split.valid), ("test", split.test))
    }
    scores = split.train.scores
    reader = surprise.Reader(rating_scale=(float(scores.min()), float(scores.max())))
    dataset = surprise.Dataset(reader)
    train = dataset.construct_trainset([(*row, None) for row in rows["train"]])

    def score(name: str, options: Mapping[str, Any], seed: int, part: str) -> float:
        extra = {} if name in ("BaselineOnly", "KNNBaseline") else {"random_state": seed}
        try:
            fitted = getattr(surprise, name)(**options, **extra).fit(train)
        except ZeroDivisionError:  # cosines of users or items whose scores are all zeros
            return math.inf
        return float(surprise.accuracy.rmse(fitted.test(rows[part]), verbose=False))

    found = {}
    for name in names:
        draw = PEERS[name]
        rng, started = np.random.default_rng(0), time.perf_counter()
        tried = []
        for number in range(trials):
            options = draw(rng)
            tried.append((score(name, options, 42, "valid"), options))
            _tell(f"{name} {number + 1}/{trials}: {tried[-1][0]:.4f}")
        value, options = min(tried, key=lambda each: each[0])
        repeats = range(1, 1 + (1 if name in ("BaselineOnly", "KNNBaseline") else seeds))
        tests = [score(name, options, seed, "test") for seed in repeats]
        found[name] = {
            "valid": value,
            "test": tests,
            "options": options,
            "seconds": time.perf_counter() - started,
        }
        _tell(f"{name}: valid {value:.4f}, test {statistics.mean(tests):.4f}")
    return found


def ours(trials: int, seeds: int, study: Path = STUDY, data: str = "movielens") -> dict[str, Any]:
    """Run a study and its winner; the winner and the published recipe on the test part."""
    from search import StudyConfig, run_study
    from search.winner import find_winner
    from tracking import Store

    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        config = StudyConfig.from_toml(study).override(trials=trials, data=data)
        result = run_study(config, home=folder)
        searched = time.perf_counter() - started
        verdict, _ = find_winner(config.name, Store(Path(folder)), top=3, repeats=seeds, tell=_tell)
        best = result.best
        assert best is not None
        won = next(c for c in verdict.candidates if c.number == verdict.number)
        return {
            "valid": best.value,
            "repeats": list(won.repeats),
            "test": {each.name: asdict(each) for each in verdict.test},
            "params": dict(next(t.params for t in result.record.trials if t.number == won.number)),
            "seconds": searched,
            "seconds_winner": time.perf_counter() - started - searched,
        }


def _tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def main() -> None:
    """Measure both and print a table, or JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=30)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--peers", type=Path, help="JSON of an earlier run, whose peers are kept")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    found: dict[str, Any] = {"trials": given.trials, "seeds": given.seeds}
    if given.peers is not None:
        found["peers"] = json.loads(given.peers.read_text(encoding="utf-8"))["peers"]
    else:
        found["peers"] = peers(given.trials, given.seeds)
    found["ours"] = ours(given.trials, given.seeds)
    if given.json:
        print(json.dumps(found))
        return
    for name, each in found["peers"].items():
        print(f"{name:>14}  valid {each['valid']:.4f}  test {statistics.mean(each['test']):.4f}")
    for name, each in found["ours"]["test"].items():
        print(f"{name:>14}  test {each['rmse']:.4f}")


if __name__ == "__main__":
    main()
