"""Time and memory of a training epoch against rows, embedding size, width and depth; drawn.

Each point is a process of its own that trains the published baseline with one thing changed, on
made-up ratings. Keras' `fit` stands beside the fast trainer where a machine of 16 GB can take it.

    python benchmarks/scale.py [--picture docs/images/scale.png] [--json]
"""

from __future__ import annotations

import argparse
import json
import math
import os
import statistics
import sys
from pathlib import Path
from typing import Any

from training import TRAINERS, apart

SYNTHETIC_ROWS = 8_854_093
ROWS = (100_000, 316_000, 1_000_000, 3_160_000, 10_000_000)
KERAS_ROWS = 1_000_000
SIDE_ROWS = 200_000
EMBEDDING_SIZES = (8, 16, 32, 64, 128, 256)
WIDTHS = (32, 64, 128, 256, 512, 1024)
DEPTHS = (1, 2, 4, 8)

Point = tuple[str, int, int, dict[str, Any]]


def points() -> list[Point]:
    """Every point: what is changed, its value, the ratings' rows, and the model's changes."""
    found: list[Point] = [("rows", rows, rows, {}) for rows in ROWS]
    found += [("embedding_size", s, SIDE_ROWS, {"embedding_size": s}) for s in EMBEDDING_SIZES]
    found += [("width", w, SIDE_ROWS, _layers([w, w // 2, w // 4])) for w in WIDTHS]
    found += [("depth", depth, SIDE_ROWS, _layers([64] * depth)) for depth in DEPTHS]
    return found


def _layers(units: list[int]) -> dict[str, Any]:
    return {"units": units, "dropout": [0.3] * len(units)}


def measure(threads: int) -> list[dict[str, Any]]:
    """An epoch's seconds and the process's peak memory at every point."""
    measured = []
    for axis, value, rows, model in points():
        epochs = 3 if rows > KERAS_ROWS else 5
        told = ["--source", f"synthetic:{rows / SYNTHETIC_ROWS:.8f}", "--epochs", str(epochs)]
        told += ["--threads", str(threads), "--model", json.dumps(model)]
        for trainer in TRAINERS if rows <= KERAS_ROWS else ("fast",):
            found = apart(*told, "--trainer", trainer)
            kept = ("train_rows", "valid_rows", "epoch_s", "peak_mb", "parameters")
            measured.append({"axis": axis, "value": value, "trainer": trainer})
            measured[-1] |= {name: found[name] for name in kept}
            print(f"{axis} {value}, {trainer}: {found['epoch_s']:.3f} s", file=sys.stderr)
    return measured


def exponent(measured: list[dict[str, Any]], axis: str, trainer: str) -> float:
    """How an epoch's time grows along an axis: the slope of the logarithms; 1 is linear."""
    rows = [row for row in measured if (row["axis"], row["trainer"]) == (axis, trainer)]
    size = "train_rows" if axis == "rows" else "value"
    x, y = ([math.log(row[name]) for row in rows] for name in (size, "epoch_s"))
    return statistics.linear_regression(x, y).slope


def draw(measured: list[dict[str, Any]], path: Path) -> None:
    """A column an axis: seconds above, megabytes below, both axes logarithmic."""
    from matplotlib.figure import Figure

    names = {
        "rows": "Train rows",
        "embedding_size": "Embedding size",
        "width": "Units of the first of three layers",
        "depth": "Layers of 64 units",
    }
    figure = Figure(figsize=(13, 6), layout="constrained", facecolor="white")
    panels = figure.subplots(2, len(names), sharey="row")
    for column, (axis, name) in enumerate(names.items()):
        for line, (what, label) in enumerate(
            (("epoch_s", "Seconds an epoch"), ("peak_mb", "Peak memory (MB)"))
        ):
            panel = panels[line][column]
            for trainer, words in (("keras", "Keras' fit"), ("fast", "Trialbook")):
                rows = [r for r in measured if (r["axis"], r["trainer"]) == (axis, trainer)]
                size = "train_rows" if axis == "rows" else "value"
                x, y = [row[size] for row in rows], [row[what] for row in rows]
                panel.loglog(x, y, marker="o", ms=4, label=words)
                if axis != "rows":  # few points: theirs are the ticks
                    panel.set_xticks(x, [f"{each:g}" for each in x])
                    panel.set_xticks([], minor=True)
            panel.grid(True, color="#e4e4e4", linewidth=0.6)
            panel.set_axisbelow(True)
            panel.spines[["top", "right"]].set_visible(False)
            if column == 0:
                panel.set_ylabel(label)
            if line == 1:
                panel.set_xlabel(name)
    panels[0][0].legend(frameon=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=100)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--picture", type=Path, help="where to draw the points as PNG")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    given = parser.parse_args()
    measured = measure(given.threads)
    if given.picture:
        draw(measured, given.picture)
    axes = list(dict.fromkeys(row["axis"] for row in measured))
    growth = {axis: exponent(measured, axis, "fast") for axis in axes}
    if given.json:
        print(json.dumps({"threads": given.threads, "exponents": growth, "points": measured}))
        return
    print(f"{'what':<16}{'value':>11}{'trainer':>9}{'epoch s':>9}{'peak MB':>9}")
    for row in measured:
        print(
            f"{row['axis']:<16}{row['value']:>11,}{row['trainer']:>9}{row['epoch_s']:>9.3f}"
            f"{row['peak_mb']:>9.0f}"
        )
    for axis, power in growth.items():
        print(f"An epoch's time grows with {axis} to the {power:.2f}")


if __name__ == "__main__":
    main()
