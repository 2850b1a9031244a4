"""Which trial is best: its own validation value, or one that is smoothed over trials like it?

    python benchmarks/portfolio.py draw --file DRAWS.jsonl
    python benchmarks/picks.py DRAWS.jsonl ... [--json]

The configurations that `portfolio.py draw` trained on the tuning half are the trials of studies, 60
drawn at random each. The pick of a study is the trial whose value is least, where a value is the
logarithm of the validation RMSE, mixed with what a forest predicts of the trial from the others
(out of bag). What counts is how far the pick's test RMSE is above the least of the study's.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

SHARES = (0.0, 0.1, 0.2, 0.3, 0.5)
TRIALS, STUDIES = 60, 20
_LOG = ("learning_rate", "l2_embedding", "l2_bias", "l2_kernel")


def features(rows: Sequence[Mapping[str, Any]]) -> NDArray[np.float64]:
    """The configurations as numbers, `[row, feature]`; what one lacks is -5."""
    names = sorted({name for row in rows for name in row})
    columns = []
    for name in names:
        given = [row.get(name) for row in rows]
        words = sorted({str(value) for value in given})
        if all(value is None or isinstance(value, int | float) for value in given):
            scale = math.log if name in _LOG else float
            columns.append([-5.0 if value is None else scale(value) for value in given])
        else:
            columns.append([float(words.index(str(value))) for value in given])
    return np.array(columns).T


def above(rows: Sequence[Mapping[str, Any]], name: str, share: float, seed: int) -> float:
    """How far a study's pick is above the least test RMSE on a set, as a share of that."""
    from sklearn.ensemble import ExtraTreesRegressor

    kept = [row for row in rows if all(map(math.isfinite, row["found"][name].values()))]
    which = np.random.default_rng(seed).permutation(len(kept))[:TRIALS]
    study = [kept[number] for number in which]
    value = np.log([row["found"][name]["val"] for row in study])
    test = np.array([row["found"][name]["test"] for row in study])
    if share:
        forest = ExtraTreesRegressor(
            60, min_samples_leaf=2, max_features=0.5, bootstrap=True, oob_score=True,
            random_state=seed,
        ).fit(features([row["values"] for row in study]), value)  # fmt: skip
        value = (1 - share) * value + share * forest.oob_prediction_
    return float(test[np.argmin(value)] / test.min() - 1)


def main() -> None:
    """Compare the shares, and print the means over sets and studies."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", type=Path, nargs="+")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    lines = [line for file in given.files for line in file.read_text().splitlines()]
    rows = [json.loads(line) for line in lines]
    found = {
        f"{share:.0%}": float(
            np.mean([above(rows, n, share, s) for n in rows[0]["found"] for s in range(STUDIES)])
        )
        for share in SHARES
    }
    if given.json:
        print(json.dumps(found, indent=2))
        return
    for share, mean in found.items():
        print(f"{share:>4} of the forest: the pick is {mean:.3%} above the best on the test part")


if __name__ == "__main__":
    main()
