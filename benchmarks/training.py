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
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cache
from itertools import pairwise
from typing import Any

TRAINERS = ("keras", "fast")


def train_once(given: argparse.Namespace) -> None:
    """What a fresh process does; prints the median epoch, the first one left out."""
    trainer, epochs, batch_size = given.trainer, given.epochs, given.batch_size
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")  # for both, as in a study's process
    import models
    from models.data import load_ratings, split_ratings
    from search.child.memory import peak_memory_mb, reset_peak_memory

    models.set_threads(given.threads, fast=trainer != "keras")
    split = split_ratings(load_ratings(given.source))
    models.make_deterministic(42)
    config, recipe = models.baseline()
    config = replace(config, **json.loads(given.model))
    size: Any = batch_size if batch_size == models.FULL_BATCH else int(batch_size)
    recipe = replace(recipe, epochs=epochs, patience=epochs, trainer=trainer, batch_size=size)
    recipe = replace(recipe, optimizer=given.optimizer or recipe.optimizer)
    model = models.build_model(config, split.vocabulary, seed=42)
    reset_peak_memory()
    started = time.perf_counter()
    result = models.train(model, split, recipe)
    seconds = [epoch.seconds for epoch in result.epochs]
    print(
        json.dumps(
            {
                "trainer": result.trainer.name,
                "train_rows": len(split.train),
                "valid_rows": len(split.valid),
                "epoch_s": statistics.median(seconds[1:]),
                "first_epoch_s": seconds[0],
                "parameters": model.count_params(),
                "whole_s": time.perf_counter() - started,
                "peak_mb": peak_memory_mb(),
                "val_rmse": result.best_val_rmse,
            }
        )
    )


def products_once(train_rows: int, valid_rows: int, threads: int) -> None:
    """What a fresh process does: the matrix products of an epoch and nothing else.

    Each thread works through its share of the rows in chunks, as the fast trainer does: a forward
    product a layer for every row, and for train rows the gradients of kernel and of input too.
    Prints the median seconds of an epoch and its floating point operations.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    import numpy as np
    import tensorflow as tf

    import models
    from models.fast.shares import CHUNK_ROWS

    models.set_threads(threads, fast=True)
    config, _ = models.baseline()
    widths = [2 * config.embedding_size, *config.units, 1]
    random = np.random.default_rng(0)

    def normal(*shape: int) -> tf.Tensor:
        return tf.constant(random.normal(size=shape).astype("float32"))

    @cache
    def layers(rows: int) -> list[tuple[tf.Tensor, tf.Tensor, tf.Tensor]]:
        return [(normal(rows, k), normal(k, m), normal(rows, m)) for k, m in pairwise(widths)]

    def work(rows: int, train: bool) -> None:
        for first in range(0, rows, CHUNK_ROWS):
            for inputs, kernel, gradient in layers(min(CHUNK_ROWS, rows - first)):
                tf.raw_ops.MatMul(a=inputs, b=kernel)
                if train:
                    tf.raw_ops.MatMul(a=inputs, b=gradient, transpose_a=True)
                    tf.raw_ops.MatMul(a=gradient, b=kernel, transpose_b=True)

    def epoch(pool: ThreadPoolExecutor) -> float:
        started = time.perf_counter()
        for rows, train in ((train_rows, True), (valid_rows, False)):
            shares = [rows * (n + 1) // threads - rows * n // threads for n in range(threads)]
            list(pool.map(work, shares, [train] * threads))
        return time.perf_counter() - started

    with ThreadPoolExecutor(threads) as pool:
        seconds = [epoch(pool) for _ in range(13)]
    operations = sum(2 * k * m for k, m in pairwise(widths)) * (3 * train_rows + valid_rows)
    print(json.dumps({"products_s": statistics.median(seconds[1:]), "operations": operations}))


def measure(arguments: argparse.Namespace) -> dict[str, Any]:
    """Every pair, and the median of the pairs' ratios."""
    pairs = []
    for _ in range(arguments.pairs):
        pair = {}
        for trainer in TRAINERS:
            told = ["--trainer", trainer, "--source", arguments.source]
            told += ["--epochs", str(arguments.epochs), "--batch-size", arguments.batch_size]
            pair[trainer] = apart(*told, "--threads", str(arguments.threads))
        rows = [str(pair["fast"][name]) for name in ("train_rows", "valid_rows")]
        pair |= apart("--products", *rows, "--threads", str(arguments.threads))
        pair["share"] = pair["products_s"] / pair["fast"]["epoch_s"]
        pair["ratio"] = pair["keras"]["epoch_s"] / pair["fast"]["epoch_s"]
        pairs.append(pair)
    return {
        "source": arguments.source,
        "threads": arguments.threads,
        "batch_size": arguments.batch_size,
        "ratio": statistics.median(pair["ratio"] for pair in pairs),
        "share": statistics.median(pair["share"] for pair in pairs),
        "pairs": pairs,
    }


def apart(*arguments: str, file: str = __file__) -> dict[str, Any]:
    """What this or another file prints in a process of its own, parsed."""
    command = [sys.executable, file, *arguments]
    done = subprocess.run(
        command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--source", default="movielens")
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--batch-size", default="full", help="full, or rows a step")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--optimizer", default="", help=argparse.SUPPRESS)
    parser.add_argument("--trainer", choices=(*TRAINERS, "compiled"), help=argparse.SUPPRESS)
    parser.add_argument("--model", default="{}", help=argparse.SUPPRESS)
    parser.add_argument("--products", type=int, nargs=2, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.trainer:
        train_once(given)
        return
    if given.products:
        products_once(*given.products, given.threads)
        return
    found = measure(given)
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
    first = found["pairs"][0]
    lines.append(
        f"Matrix products alone: {first['operations'] / 1e9:.2f} GFLOP an epoch, "
        f"{first['operations'] / 1e9 / first['products_s']:.0f} GFLOP/s; the fast trainer reaches "
        f"{100 * found['share']:.0f} % of that speed (median of pairs)"
    )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
