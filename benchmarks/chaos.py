"""Hurts a study in many ways, goes on with it, and counts what is lost or told twice.

    python benchmarks/chaos.py [--only NAME ...] [--times 100] [--json]

Each scenario runs a small study on made-up ratings until it is done, whatever happens meanwhile,
and then holds Optuna's storage and MLflow against each other, trial by trial, without Trialbook's
own comparison.
"""

from __future__ import annotations

import argparse
import json
import random
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import chaos_disk
import chaos_kills
import chaos_world
from chaos_home import Home

_MODELS = ("--keep-models", "all")
_MANY = ("--keep-models", "none", "--epochs", "1")

SCENARIOS: dict[str, tuple[Callable[..., Iterator[str]], int, tuple[str, ...]]] = {
    "seams": (chaos_kills.seams, 56, _MODELS),
    "random": (chaos_kills.random_kills, 52, _MODELS),
    "groups": (chaos_kills.groups, 20, _MODELS),
    "children": (chaos_kills.children, 50, _MODELS),
    "stops": (chaos_kills.stops, 12, _MODELS),
    "heard": (chaos_kills.heard, 30, ()),
    "clocks": (chaos_world.clocks, 16, _MODELS),
    "server": (chaos_world.server, 10, _MODELS),
    "seams-on-a-server": (chaos_world.seams_on_a_server, 28, _MODELS),
    "record": (chaos_world.record, 9, _MODELS),
    "full": (chaos_disk.full, 12, _MODELS),
    "hurt": (chaos_disk.hurt, 20, ()),
    "many": (chaos_world.many, 500, (*_MANY, "--workers", "8")),
    "many-on-a-server": (chaos_world.many_on_a_server, 500, (*_MANY, "--workers", "4")),
    "load": (chaos_world.load, 1536, ()),
}
"""Name, what is done, how often, and further options of the study."""


def run(name: str, times: int | None = None, log: Path | None = None) -> dict[str, Any]:
    """Run one scenario; return how often it came about, its seconds and what went wrong.

    Args:
        name: The scenario.
        times: How often; None for as often as it is meant to.
        log: Where what was printed goes, if something went wrong.
    """
    scenario, usual, options = SCENARIOS[name]
    count = times or usual
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="chaos-") as folder:
        home = Home(Path(folder), *options)
        wrong = list(scenario(home, count, random.Random(1)))
        if home.kills < count / 2:
            wrong.append(f"only {home.kills} of {count} came about")
        trials = home.target
        if wrong and log is not None:
            log.write_text(home.printed(), encoding="utf-8")
    seconds = time.monotonic() - began
    return {
        "scenario": name,
        "times": home.kills,
        "trials": trials,
        "seconds": round(seconds),
        "notes": home.notes,
        "wrong": wrong,
    }


def main() -> None:
    """Run the scenarios, and print what each came to."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", choices=SCENARIOS, default=list(SCENARIOS))
    parser.add_argument("--times", type=int)
    parser.add_argument("--log", type=Path, help="where a failed study's output goes")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    # A shell's background and `nohup` have processes ignore these, and those that they start too.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    results = []
    for name in given.only:
        result = run(name, given.times, given.log)
        results.append(result)
        said = "; ".join([*result["notes"], *(result["wrong"] or ["nothing lost"])])
        print(
            f"{name}: {result['times']} times, {result['trials']} trials, {result['seconds']} s: "
            f"{said}",
            file=sys.stderr,
        )
    if given.json:
        print(json.dumps(results, indent=2))
    sys.exit(any(result["wrong"] for result in results))


if __name__ == "__main__":
    main()
