"""The default study beside the tuned recommenders of Surprise, on the family of data sets.

    python benchmarks/family_recommenders.py tuning|held-out [--sets NAME ...] [--trials 30]

As `recommenders.py`, whose tuning of Surprise and whose rules these are, but for the study: it is
the default one, as a newcomer runs it, and its winner is what `trialbook winner` decides. Sets that
are stored in `results/family_recommenders.json` are not run again, and with `--again` only our part
of them. SVD++ takes fifty times as long
as the others and is tuned only where `--svdpp` asks for it.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

from family import HALVES, write
from recommenders import PEERS, ours, peers
from tables import compared

STORED = Path(__file__).parent / "results" / "family_recommenders.json"
DEFAULT = Path(__file__).parent.parent / "search" / "studies" / "sample.toml"


def main() -> None:
    """Run what is missing, and print a line a set."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("half", choices=list(HALVES))
    parser.add_argument("--sets", nargs="+")
    parser.add_argument("--trials", type=int, default=30)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--svdpp", action="store_true", help="tune SVD++ too")
    parser.add_argument("--again", action="store_true", help="our part of stored sets anew")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    stored = json.loads(STORED.read_text(encoding="utf-8")) if STORED.exists() else {"found": []}
    names = [name for name in PEERS if given.svdpp or name != "SVDpp"]
    chosen = given.sets or list(HALVES[given.half])
    with tempfile.TemporaryDirectory() as folder:
        for name in chosen:
            known = {each["set"]: each for each in stored["found"]}.get(name)
            if known is not None and not given.again:
                continue
            data = str(write(name, Path(folder)))
            one = known or {
                "set": name,
                "half": given.half,
                "trials": given.trials,
                "peers": peers(given.trials, given.seeds, data, names),
            }
            one["ours"] = ours(given.trials, given.seeds, DEFAULT, data)
            stored["found"] += [] if known else [one]
            STORED.write_text(json.dumps(stored, indent=1) + "\n", encoding="utf-8")
            print(json.dumps(compared(one)), file=sys.stderr, flush=True)
    rows = [compared(each) for each in stored["found"] if each["set"] in chosen]
    if given.json:
        print(json.dumps(rows, indent=2))
        return
    for row in rows:
        print(
            f"{row['set']:<15} ours {row['ours']:.4f}, {row['best_peer']} {row['theirs']:.4f}: "
            f"{row['errors']:+.2f} standard errors; {row['seconds']:.0f} s"
        )


if __name__ == "__main__":
    main()
