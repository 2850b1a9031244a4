"""Time and memory of a training epoch: Keras' `fit` beside the fast trainer, in turn.

Both train the published baseline on the same split, with summed embedding gradients, each in a
process of its own, one after the other, several pairs. An epoch includes its validation.

    python benchmarks/training.py [--source movielens] [--pairs 3] [--epochs 12] [--json]
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from dataclasses import replace
from typing import Any

TRAINERS = ("keras", "fast")


def train_once(trainer: str, source: str, epochs: int, threads: int, batch_size: str) -> None:
    """What a fresh process does; prints the median epoch, the first one left out."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")  # for both, as in a study's process
    import models
    from models.data import load_ratings, split_ratings
    from search.memory import peak_memory_mb, reset_peak_memory

    models.set_threads(threads, fast=trainer == "fast")
    split = split_ratings(load_ratings(source))
    models.make_deterministic(42)
    config, recipe = models.baseline()
    size: Any = batch_size if batch_size == models.FULL_BATCH else int(batch_size)
    recipe = replace(recipe, epochs=epochs, patience=epochs, trainer=trainer, batch_size=size)
    model = models.build_model(config, split.vocabulary, seed=42)
    reset_peak_memory()
    started = time.perf_counter()
    result = models.train(model, split, recipe)
    seconds = [epoch.seconds for epoch in result.epochs]
    print(
        json.dumps(
            {
                "trainer": result.trainer,
                "train_rows": len(split.train),
                "epoch_s": statistics.median(seconds[1:]),
                "first_epoch_s": seconds[0],
                "whole_s": time.perf_counter() - started,
                "peak_mb": peak_memory_mb(),
                "val_rmse": result.best_val_rmse,
            }
        )
    )


def measure(arguments: argparse.Namespace) -> dict[str, Any]:
    """Every pair, and the median of the pairs' ratios."""
    pairs = []
    for _ in range(arguments.pairs):
        pair = {}
        for trainer in TRAINERS:
            command = [sys.executable, __file__, "--trainer", trainer, "--source", arguments.source]
            command += ["--epochs", str(arguments.epochs), "--threads", str(arguments.threads)]
            command += ["--batch-size", arguments.batch_size]
            done = subprocess.run(
                command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
            )
            pair[trainer] = json.loads(done.stdout.splitlines()[-1])
        pair["ratio"] = pair["keras"]["epoch_s"] / pair["fast"]["epoch_s"]
        pairs.append(pair)
    return {
        "source": arguments.source,
        "threads": arguments.threads,
        "batch_size": arguments.batch_size,
        "ratio": statistics.median(pair["ratio"] for pair in pairs),
        "pairs": pairs,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--source", default="movielens")
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--batch-size", default="full", help="full, or rows a step")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--trainer", choices=TRAINERS, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.trainer:
        train_once(given.trainer, given.source, given.epochs, given.threads, given.batch_size)
        return
    from tracking import provenance

    found = measure(given) | {"machine": dict(provenance())}
    print(json.dumps(found, indent=2) if given.json else _table(found))


def _table(found: dict[str, Any]) -> str:
    lines = [f"{'pair':>4} {'trainer':<8} {'epoch s':>8} {'first s':>8} {'peak MB':>8} {'RMSE':>8}"]
    for number, pair in enumerate(found["pairs"], 1):
        for trainer in TRAINERS:
            row = pair[trainer]
            lines.append(
                f"{number:>4} {row['trainer']:<8} {row['epoch_s']:>8.3f} "
                f"{row['first_epoch_s']:>8.2f} {row['peak_mb']:>8.0f} {row['val_rmse']:>8.4f}"
            )
    lines.append(
        f"{found['source']}, batch {found['batch_size']}, {found['threads']} threads: "
        f"Keras' fit / fast = {found['ratio']:.2f} (median of pairs)"
    )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
