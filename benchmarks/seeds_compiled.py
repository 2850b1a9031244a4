"""Whether the compiled trainer ends where the fast one does: three families, ten seeds, paired.

Both start a seed from the same initial weights; masks and orders are other draws of the same
distributions. Each trainer is a process of its own. The test is a paired t-test (Student, "The
probable error of a mean", Biometrika 6, 1908) on the kept epoch's validation RMSE. `seeds.py` holds
the fast trainer against Keras' `fit` likewise.

    python benchmarks/seeds_compiled.py [--seeds 10] [--json]
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from dataclasses import replace
from typing import Any

from compiled import CASES
from training import apart

TRAINERS = ("fast", "compiled")
NAMES = {
    "baseline": "baseline, full batch",
    "gmf": "gmf, batches of 1,024",
    "neumf": "neumf, batches of 1,024",
}


def train_all(given: argparse.Namespace) -> None:
    """What a fresh process does: train every seed; prints their validation RMSE."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import models
    from models.data import load_ratings, split_ratings

    models.set_threads(given.threads, fast=True)
    split = split_ratings(load_ratings("movielens"))
    case = CASES[NAMES[given.case]]
    config, recipe = models.baseline()
    fields = {name: tuple(v) if isinstance(v, list) else v for name, v in case.model.items()}
    config, recipe = replace(config, **fields), replace(recipe, trainer=given.trainer)
    if case.batch_size != models.FULL_BATCH:
        recipe = replace(
            recipe, batch_size=int(case.batch_size), learning_rate=0.002, epochs=40, patience=5
        )
    values = []
    for seed in range(given.seeds):
        models.make_deterministic(seed)
        model = models.build_model(config, split.vocabulary, seed=seed)
        values.append(models.train(model, split, replace(recipe, seed=seed)).best_val_rmse)
        print(f"{given.case} {given.trainer} {seed}: {values[-1]:.4f}", file=sys.stderr)
    print(json.dumps({"values": values}))


def measure(seeds: int, threads: int) -> dict[str, Any]:
    """Each case's values by trainer, their mean difference with its 95 % interval, and the test."""
    import numpy as np
    from scipy import stats

    cases = {}
    for name in NAMES:
        told = ["--case", name, "--seeds", str(seeds), "--threads", str(threads)]
        values = {t: apart("--trainer", t, *told, file=__file__)["values"] for t in TRAINERS}
        paired = stats.ttest_rel(values["compiled"], values["fast"])
        interval = paired.confidence_interval(0.95)
        cases[name] = {
            "values": values,
            "mean_difference": float(np.mean(np.subtract(values["compiled"], values["fast"]))),
            "interval": [float(interval.low), float(interval.high)],
            "t_test_p": float(paired.pvalue),
        }
    return {"threads": threads, "cases": cases}


def main() -> None:
    """Measure, and print a table or JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--trainer", choices=TRAINERS, help=argparse.SUPPRESS)
    parser.add_argument("--case", choices=NAMES, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.trainer:
        train_all(given)
        return
    found = measure(given.seeds, given.threads)
    if given.json:
        print(json.dumps(found, indent=2))
        return
    for name, case in found["cases"].items():
        low, high = case["interval"]
        print(
            f"{name:<10} {case['mean_difference']:+.5f} ({low:+.5f} to {high:+.5f}), "
            f"p = {case['t_test_p']:.3f}"
        )


if __name__ == "__main__":
    main()
