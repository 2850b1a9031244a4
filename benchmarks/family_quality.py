"""Who finds more, sooner, on a family of data sets: Trialbook beside the other searchers.

    python benchmarks/family_quality.py tuning [--sets NAME ...] [--arms NAME ...] [--seeds 3]
    python benchmarks/family_quality.py held-out

The rules of a comparison are those of `search_quality.py`: the same ratings, split, space, builder,
patience, cores and wall time for everyone, each search in a process of its own. Here times count
from a search's first epoch. Runs that are stored in `results/family_tuning.json` and
`results/family_held_out.json` are not run again, so that the whole can be done in several sittings.
The half that is held out is run to be reported: no rule is chosen by looking at it.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from family import HALVES, write
from search_quality import ARMS, NAMES, best_at, reached, run

RESULTS = Path(__file__).parent / "results"
LARGE = ("groups", "long-tail")  # far more than 100,000 ratings: reported apart
OURS = "trialbook"


def stored_in(half: str) -> Path:
    """The file that keeps a half's runs."""
    return RESULTS / f"family_{half.replace('-', '_')}.json"


def compared(runs: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Pair each search of another with ours on the same set and seed.

    A pair has the share of the other's time to its final best after which ours had a value as good
    (infinite where it never had), whether our final best is at most theirs, and the difference of
    the test RMSE of the two picks, as a share of theirs.
    """
    ours = {(each["set"], each["seed"]): each for each in runs if each["arm"] == OURS}
    pairs = []
    for theirs in runs:
        own = ours.get((theirs["set"], theirs["seed"]))
        if theirs["arm"] == OURS or own is None:
            continue
        mine, other = _from_first_epoch(own), _from_first_epoch(theirs)
        pick, won = best_at(mine, math.inf), best_at(other, math.inf)
        if pick is None or won is None:
            continue
        at = reached(mine, won["value"])
        pairs.append(
            {
                "set": theirs["set"],
                "seed": theirs["seed"],
                "arm": theirs["arm"],
                "share": math.inf if at is None else max(at, 0.0) / won["t"],
                "is_best": pick["value"] <= won["value"],
                "test": pick["test"] / won["test"] - 1,
            }
        )
    return pairs


def _from_first_epoch(one: dict[str, Any]) -> list[dict[str, Any]]:
    return [each | {"t": each["t"] - one["began"]} for each in one["trials"]]


def summary(runs: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Each searcher against ours over the sets, and how rosy each one's validation was.

    Sets of far more than 100,000 ratings are apart.
    """
    pairs = compared(runs)
    return {
        "rows": _rows([pair for pair in pairs if pair["set"] not in LARGE]),
        "large": _rows([pair for pair in pairs if pair["set"] in LARGE]),
        "rosy": dict(_rosy(runs)),
    }


def _rows(pairs: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    rows = []
    for arm in dict.fromkeys(pair["arm"] for pair in pairs):
        own = [pair for pair in pairs if pair["arm"] == arm]
        of_sets = {
            name: statistics.median(pair["share"] for pair in own if pair["set"] == name)
            for name in dict.fromkeys(pair["set"] for pair in own)
        }
        rows.append(
            {
                "arm": arm,
                "pairs": len(own),
                "share": _finite(statistics.median(pair["share"] for pair in own)),
                "worst_set": max(of_sets, key=of_sets.__getitem__),
                "worst_share": _finite(max(of_sets.values())),
                "best_in": sum(pair["is_best"] for pair in own) / len(own),
                "test": statistics.median(pair["test"] for pair in own),
            }
        )
    return rows


def _rosy(runs: Sequence[dict[str, Any]]) -> Iterator[tuple[str, float]]:
    """By how much the picks' test RMSE is above their validation RMSE: the median, as a share."""
    for arm in dict.fromkeys(each["arm"] for each in runs):
        picks = [best_at(each["trials"], math.inf) for each in runs if each["arm"] == arm]
        shares = [pick["test"] / pick["value"] - 1 for pick in picks if pick is not None]
        if shares:
            yield arm, statistics.median(shares)


def _finite(share: float) -> float | None:
    return None if math.isinf(share) else share


def main() -> None:
    """Run what is missing of a half, and print what it comes to."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("half", choices=list(HALVES))
    parser.add_argument("--sets", nargs="+")
    parser.add_argument("--arms", nargs="+", default=list(ARMS), choices=ARMS)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=300)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    unknown = set(given.sets or ()) - HALVES[given.half].keys()
    if unknown:
        parser.error(f"sets must be of {', '.join(HALVES[given.half])}, but got {unknown.pop()}")
    path = stored_in(given.half)
    stored = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {"found": {}}
    runs = stored["found"].get("runs", [])
    known = {(each["set"], each["arm"], each["seed"]) for each in runs}
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(given.seeds):
            for name in given.sets or HALVES[given.half]:
                for arm in given.arms:
                    if (name, arm, seed) not in known:
                        data = str(write(name, Path(folder)))
                        runs.append(_run(arm, name, seed, given.seconds, data))
                        path.write_text(json.dumps({"found": {"runs": runs}}, indent=1) + "\n")
    found = summary(runs)
    print(json.dumps(found, indent=2) if given.json else _table(found))


def _run(arm: str, name: str, seed: int, seconds: float, data: str) -> dict[str, Any]:
    from tracking import provenance

    found = run(arm, seconds, seed, data)
    best = best_at(found.trials, seconds)
    print(f"{name}, {arm}, seed {seed}: {len(found.trials)} trials, {best}", file=sys.stderr)
    # Of the trials only those count that were better than all before them.
    leading: list[dict[str, Any]] = []
    for trial in sorted(found.trials, key=lambda each: each["t"]):
        if not leading or trial["value"] < leading[-1]["value"]:
            leading.append(trial)
    return {
        "set": name,
        "arm": arm,
        "seed": seed,
        "seconds": seconds,
        "began": round(found.began, 2),
        "count": len(found.trials),
        "trials": leading,
        "machine": provenance()["trialbook.hardware"],
    }


def _size(row: dict[str, Any]) -> str:
    return " on large sets" if row["worst_set"] in LARGE else ""


def _table(found: dict[str, Any]) -> str:
    lines = []
    for row in [*found["rows"], *found["large"]]:
        share, worst = (
            "never" if row[key] is None else f"{row[key]:.2f}" for key in ("share", "worst_share")
        )
        lines.append(
            f"{NAMES[row['arm']]:<36} {row['pairs']:3} pairs{_size(row)}: "
            f"after {share} of its time; {row['worst_set']} {worst}; "
            f"as good in {row['best_in']:.0%}; test {row['test']:+.2%}"
        )
    rosy = ", ".join(f"{NAMES[arm]} {share:+.2%}" for arm, share in found["rosy"].items())
    return "\n".join([*lines, f"test above validation: {rosy}"])


if __name__ == "__main__":
    main()
