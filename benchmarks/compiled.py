"""Time of an epoch: Keras' `fit` beside the compiled trainer, in turn, for each model family.

Both train the same configuration on the same split of the embedded sample, each in a process of its
own, one after the other, several pairs. An epoch includes its validation; the first is left out.

    python benchmarks/compiled.py [--pairs 3] [--threads 2] [--json]
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
from pathlib import Path
from typing import Any, NamedTuple

from training import apart

TRAINING = str(Path(__file__).with_name("training.py"))
_LAYERS = {"embedding_size": 16, "units": [32, 16, 8], "dropout": [0.0, 0.0, 0.0]}
_OUTPUT = {"output_activation": "linear", "output_bias": 3.5}


class Case(NamedTuple):
    """A model, the rows of a batch, and the ratio that is the goal."""

    model: dict[str, Any]
    batch_size: str
    goal: float


_GMF = {"family": "gmf", "factors": 32, "l2_embedding": 3e-5, "l2_bias": 3e-5, **_OUTPUT}
_MLP = {**_LAYERS, "l2_kernel": 1e-6, **_OUTPUT}
_NEUMF = {"family": "neumf", "factors": 8, **_MLP}
CASES = {
    "baseline, full batch": Case({}, "full", 5),
    "gmf, batches of 256": Case(_GMF, "256", 25),
    "gmf, batches of 1,024": Case(_GMF, "1024", 25),
    "mlp, batches of 256": Case(_MLP, "256", 12),
    "mlp, batches of 1,024": Case(_MLP, "1024", 6),
    "neumf, batches of 256": Case(_NEUMF, "256", 12),
    "neumf, batches of 1,024": Case(_NEUMF, "1024", 6),
}
"""The models are those that a study begins with: the baseline and `recipes.toml`."""


def measure(pairs: int, threads: int) -> dict[str, Any]:
    """Each case's pairs, and the median of their ratios."""
    found: dict[str, Any] = {"threads": threads, "cases": {}}
    for name, case in CASES.items():
        made = []
        for _ in range(pairs):
            told = ["--batch-size", case.batch_size, "--model", json.dumps(case.model)]
            told += [
                "--threads",
                str(threads),
                "--epochs",
                "12" if case.batch_size == "full" else "5",
            ]
            made.append(
                {t: apart("--trainer", t, *told, file=TRAINING) for t in ("keras", "compiled")}
            )
        ratio = statistics.median(p["keras"]["epoch_s"] / p["compiled"]["epoch_s"] for p in made)
        found["cases"][name] = {"goal": case.goal, "ratio": ratio, "pairs": made}
    return found


def main() -> None:
    """Measure, and print a table or JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    given = parser.parse_args()
    found = measure(given.pairs, given.threads)
    if given.json:
        print(json.dumps(found, indent=2))
        return
    for name, case in found["cases"].items():
        keras, ours = (
            statistics.median(pair[trainer]["epoch_s"] for pair in case["pairs"])
            for trainer in ("keras", "compiled")
        )
        print(f"{name:<26} {keras:8.3f} s {ours:8.4f} s  {case['ratio']:6.1f}  goal {case['goal']}")


if __name__ == "__main__":
    main()
