"""Whether the fast trainer ends where Keras' `fit` does: the baseline over ten seeds, paired.

Both start a seed from the same initial weights; masks are other draws of the same distributions.
Each trainer is a process of its own. The test is a paired t-test (Student, "The probable error of
a mean", Biometrika 6, 1908) on the kept epoch's validation RMSE, Wilcoxon's signed ranks beside it.

    python benchmarks/seeds.py [--source movielens] [--seeds 10] [--json]
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from dataclasses import replace
from typing import Any

from training import TRAINERS, apart


def train_all(given: argparse.Namespace) -> None:
    """What a fresh process does: train every seed; prints their validation RMSE."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    import keras

    import models
    from models.data import load_ratings, split_ratings

    models.set_threads(given.threads, fast=given.trainer == "fast")
    split = split_ratings(load_ratings(given.source))
    config, recipe = models.baseline()
    recipe = replace(recipe, trainer=given.trainer)
    values = []
    for seed in range(given.seeds):
        models.make_deterministic(seed)
        model = models.build_model(config, split.vocabulary, seed=seed)
        result = models.train(model, split, replace(recipe, seed=seed))
        values.append(result.best_val_rmse)
        print(f"{given.trainer} {seed}: {values[-1]:.4f}", file=sys.stderr)
        keras.backend.clear_session()
    print(json.dumps({"values": values}))


def measure(given: argparse.Namespace) -> dict[str, Any]:
    """Both trainers' values, their mean difference with its 95 % interval, and the tests."""
    import numpy as np
    from scipy import stats

    told = ["--source", given.source, "--seeds", str(given.seeds), "--threads", str(given.threads)]
    values = {
        trainer: apart("--trainer", trainer, *told, file=__file__)["values"] for trainer in TRAINERS
    }
    differences = np.subtract(values["fast"], values["keras"])
    paired = stats.ttest_rel(values["fast"], values["keras"])
    interval = paired.confidence_interval(0.95)
    return {
        "source": given.source,
        "threads": given.threads,
        "values": values,
        "mean_difference": float(differences.mean()),
        "interval": [float(interval.low), float(interval.high)],
        "seed_std": float(np.std(values["keras"], ddof=1)),
        "t_test_p": float(paired.pvalue),
        "wilcoxon_p": float(stats.wilcoxon(differences).pvalue),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--source", default="movielens")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--trainer", choices=TRAINERS, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.trainer:
        train_all(given)
        return
    found = measure(given)
    if given.json:
        print(json.dumps(found, indent=2))
        return
    for seed, pair in enumerate(zip(*(found["values"][name] for name in TRAINERS), strict=True)):
        print(f"seed {seed}: Keras' fit {pair[0]:.4f}, fast {pair[1]:.4f}")
    low, high = found["interval"]
    print(
        f"Mean difference {found['mean_difference']:+.5f}, 95 % interval {low:+.5f} to {high:+.5f} "
        f"(a seed's own deviation is {found['seed_std']:.5f}); paired t-test p = "
        f"{found['t_test_p']:.2f}, Wilcoxon p = {found['wilcoxon_p']:.2f}"
    )


if __name__ == "__main__":
    main()
