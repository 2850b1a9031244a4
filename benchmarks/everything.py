"""Every benchmark, one after the other; each leaves a file in `results/`, and the tables follow.

    python benchmarks/everything.py [--full] [NAME ...]

Without names those run that take minutes: all but `full` and what compares searches. `--tables`
only writes the tables anew.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
RESULTS = HERE / "results"
IMAGES = HERE.parent / "docs" / "images"
RUNS: dict[str, list[str]] = {
    "epoch": ["training.py"],
    "batch_256": ["training.py", "--batch-size", "256", "--epochs", "6"],
    "batch_2048": ["training.py", "--batch-size", "2048", "--epochs", "8"],
    "batch_8192": ["training.py", "--batch-size", "8192"],
    "compiled": ["compiled.py", "--pairs", "2"],
    "at_size": ["at_size.py"],
    "seeds_compiled": ["seeds_compiled.py"],
    "cost_model": ["cost_model.py"],
    "seeds": ["seeds.py"],
    "overhead": ["overhead.py", "--stored", "10", "1000", "10000"],
    "studies": ["studies.py", "--rounds", "1"],
    "studies_default": ["studies.py", "--space", "default", "--rounds", "1"],
    "scale": ["scale.py", "--picture", str(IMAGES / "scale.png")],
    "data_loading": ["data_loading.py"],
    "recommenders": ["recommenders.py"],
    "winner_claims": ["winner_claims.py"],
    "winner_rates": ["winner_rates.py"],
    "search_quality": ["search_quality.py", "--picture", str(IMAGES / "search_quality.png")],
    "full": ["training.py", "--source", "synthetic:1", "--pairs", "3", "--epochs", "3"],
}

# MUBI's size needs 15 GB of memory for Keras; the other ones take an hour or several.
LONG = ("full", "at_size", "studies_default", "recommenders", "winner_claims", "search_quality")


def run(name: str) -> None:
    """Run one benchmark and write what it found, with the machine beside it."""
    from tracking import provenance

    file, *flags = RUNS[name]
    print(f"{name}: {file} {' '.join(flags)}", file=sys.stderr)
    started = time.perf_counter()
    command = [sys.executable, str(HERE / file), *flags, "--json"]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    shown = [str(Path(f).relative_to(HERE.parent)) if Path(f).is_absolute() else f for f in flags]
    written = {
        "benchmark": name,
        "command": " ".join(["python", f"benchmarks/{file}", *shown]),
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "minutes": round((time.perf_counter() - started) / 60, 1),
        "cores": len(os.sched_getaffinity(0)),
        "machine": provenance(),
        "found": json.loads(done.stdout),
    }
    path = RESULTS / f"{name}.json"
    path.write_text(json.dumps(_rounded(written), indent=2) + "\n", encoding="utf-8")


def _rounded(value: Any) -> Any:
    """Six significant digits are more than any of these figures has."""
    if isinstance(value, float):
        return float(f"{value:.6g}")
    if isinstance(value, dict):
        return {key: _rounded(each) for key, each in value.items()}
    return [_rounded(each) for each in value] if isinstance(value, list) else value


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(RUNS))
    parser.add_argument("--full", action="store_true", help="the published size too")
    parser.add_argument("--tables", action="store_true", help="run nothing, write the tables")
    given = parser.parse_args()
    unknown = [name for name in given.names if name not in RUNS]
    if unknown:
        parser.error(f"a benchmark must be one of {', '.join(RUNS)}, but got {unknown[0]}")
    usual = [name for name in RUNS if name not in LONG] + (["full"] if given.full else [])
    chosen = given.names or usual
    for name in () if given.tables else chosen:
        run(name)
    import tables

    tables.write()
    print(tables.figures())


if __name__ == "__main__":
    main()
