"""Hurts a study in many ways, goes on with it, and counts what is lost or told twice.

    python benchmarks/chaos.py [--only NAME ...] [--times 100] [--minutes 20] [--json]

Each scenario runs a small study on made-up ratings until it is done, whatever happens meanwhile,
and then holds Optuna's storage and MLflow against each other, trial by trial, without Trialbook's
own comparison. It must do as much harm as it is meant to, and end within its time: else that is
wrong too.
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
from typing import Any, NamedTuple

import chaos_disk
import chaos_kills
import chaos_record
import chaos_seams
import chaos_world
from chaos_home import Home

_MODELS = ("--keep-models", "all")
_MANY = ("--keep-models", "none", "--epochs", "1")
_LONG = ("--epochs", "500", "--pruner", "none")
"""A trial then takes longer, so that one is mostly under way."""


class Scenario(NamedTuple):
    """A way to hurt a study.

    Attributes:
        hurt: Does so, and tells what went wrong.
        times: How often, in the full run.
        minutes: How long that may take; on two busy cores it takes about half of it.
        options: Further options of the study.
    """

    hurt: Callable[..., Iterator[str]]
    times: int
    minutes: float
    options: tuple[str, ...] = ()


SCENARIOS = {
    "seams": Scenario(chaos_seams.seams, chaos_seams.PLACES, 60, _MODELS),
    "random": Scenario(chaos_kills.random_kills, 52, 20, _MODELS),
    "groups": Scenario(chaos_kills.groups, 20, 20, (*_MODELS, "--sampler", "tpe", *_LONG)),
    "children": Scenario(chaos_kills.children, 50, 30, _MODELS),
    "stops": Scenario(chaos_kills.stops, 12, 15, (*_MODELS, *_LONG)),
    "heard": Scenario(chaos_kills.heard, 30, 30),
    "clocks": Scenario(chaos_world.clocks, 16, 15, _MODELS),
    "server": Scenario(chaos_world.server, 10, 20, _MODELS),
    "seams-on-a-server": Scenario(chaos_seams.on_a_server, chaos_seams.PLACES, 60, _MODELS),
    "record": Scenario(chaos_record.record, 10, 30, _MODELS),
    "full": Scenario(chaos_disk.full, 12, 20, _MODELS),
    "hurt": Scenario(chaos_disk.hurt, 20, 30),
    "many": Scenario(chaos_world.many, 500, 30, (*_MANY, "--workers", "8")),
    "many-on-a-server": Scenario(chaos_world.many_on_a_server, 500, 30, (*_MANY, "--workers", "4")),
    "load": Scenario(chaos_world.load, 1536, 20),
}


def run(
    name: str, times: int | None = None, log: Path | None = None, minutes: float | None = None
) -> dict[str, Any]:
    """Run one scenario; return how often it came about, its seconds and what went wrong.

    Args:
        name: The scenario.
        times: How often; None for as often as it is meant to.
        log: Where what was printed goes, if something went wrong.
        minutes: How long it may take; None for as long as is meant.
    """
    scenario = SCENARIOS[name]
    count = times or scenario.times
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="chaos-") as folder:
        home = Home(Path(folder), *scenario.options)
        home.latest = began + 60 * (minutes or scenario.minutes)
        wrong = [*scenario.hurt(home, count, random.Random(1)), *home.wrong]
        if home.kills < count:
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
    parser.add_argument("--minutes", type=float, help="how long each scenario may take")
    parser.add_argument("--log", type=Path, help="where a failed study's output goes")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    # A shell's background and `nohup` have processes ignore these, and those that they start too.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    results = []
    for name in given.only:
        result = run(name, given.times, given.log, given.minutes)
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
