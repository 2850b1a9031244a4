"""Time and memory of the compiled trainer's epochs at MUBI's size, with an optimizer by row.

Networks of the baseline's and the recipes' sizes, small and large batches, `lazy_adam` and a
penalty a rating; each in a process of its own. An epoch includes its validation; the first is left
out. Beside the baseline as published Keras' `fit` runs in turn: that needs 15 GB of memory.

    python benchmarks/at_size.py [--source synthetic:1] [--epochs 3] [--threads 2] [--json]
"""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path
from typing import Any, NamedTuple

from compiled import CASES
from training import apart

TRAINING = str(Path(__file__).with_name("training.py"))
GOALS = {"epoch_s": 15, "peak_mb": 2_500, "ratio": 3}
_DENSE = ("l2_embedding", "l2_bias")


class Case(NamedTuple):
    """A network, the rows of a batch, and the optimizer; empty for the published one."""

    model: dict[str, Any]
    batch_size: str
    optimizer: str = "lazy_adam"


def _cases() -> dict[str, Case]:
    cases = {"baseline as published": Case({}, "full", "")}
    sizes = {
        "baseline's layers": {},
        **{n.split(",")[0]: c.model for n, c in CASES.items() if c.model},
    }
    for name, model in sizes.items():
        paid = {k: v for k, v in model.items() if k not in _DENSE} | {"l2_rating": 0.02}
        for size in ("256", "1024", "4096", "full"):
            cases[f"{name}, batches of {size}"] = Case(paid, size)
    return cases


def measure(source: str, epochs: int, threads: int) -> dict[str, Any]:
    """Each case's epoch and peak memory, and those of Keras' baseline."""
    found: dict[str, Any] = {"source": source, "threads": threads, "goals": GOALS, "cases": {}}
    for name, case in _cases().items():
        told = ["--source", source, "--epochs", str(epochs), "--threads", str(threads)]
        told += ["--batch-size", case.batch_size, "--model", json.dumps(case.model)]
        told += ["--optimizer", case.optimizer]
        trainers = ("keras", "compiled") if not case.optimizer else ("compiled",)
        found["cases"][name] = {t: apart("--trainer", t, *told, file=TRAINING) for t in trainers}
    return found


def main() -> None:
    """Measure, and print a table or JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--source", default="synthetic:1")
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    given = parser.parse_args()
    found = measure(given.source, given.epochs, given.threads)
    if given.json:
        print(json.dumps(found, indent=2))
        return
    for name, case in found["cases"].items():
        for trainer, one in case.items():
            print(f"{name:<36} {trainer:<9} {one['epoch_s']:7.2f} s {one['peak_mb']:8.0f} MB")


if __name__ == "__main__":
    main()
