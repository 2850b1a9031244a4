"""Kills a study in many ways, goes on with it, and counts what is lost or told twice.

    python benchmarks/chaos.py [--only NAME ...] [--kills 100] [--json]

Each scenario runs a small study on made-up ratings until it is done, however often its processes
are killed, and then holds Optuna's storage and MLflow against each other, trial by trial, without
Trialbook's own comparison.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
sys.path.insert(0, str(ROOT / "tests" / "support"))
TRIALS = 12
STUDY = ["--study", "chaos", "--epochs", "3", "--workers", "2", "--sampler", "random"]
_TOO_LONG_S = 240.0


def ratings(folder: Path) -> Path:
    """Make a small file of ratings."""
    draw = random.Random(0)
    rows = ["user,item,rating,time"]
    for user in range(60):
        for item in draw.sample(range(80), 20):
            rows.append(f"{user},{item},{draw.randint(1, 5)},{draw.randint(0, 10**6)}")
    path = folder / "ratings.csv"
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return path


class Home:
    """A home with one study in it, which is killed and goes on."""

    def __init__(self, folder: Path, *more: str) -> None:
        """Keep the folder, and further options of the study."""
        self.path = folder / "home"
        data = str(ratings(folder))
        self.command = [
            "search", *STUDY, "--trials", str(TRIALS), "--data", data, "--home", str(self.path),
            "--min-ratings", "1", *more,
        ]  # fmt: skip
        self.log = folder / "log.txt"
        self.kills = 0

    def start(self, *fault: str) -> subprocess.Popen[bytes]:
        """Start the study; with a place, a moment and a number, one that kills itself there."""
        faulty = [str(ROOT / "tests" / "support" / "faulty.py"), *fault]
        program = faulty if fault else ["-m", "search"]
        with self.log.open("ab") as log:
            return subprocess.Popen(
                [sys.executable, *program, *self.command],
                cwd=ROOT,
                stdout=log,
                stderr=log,
                start_new_session=True,
                env={**os.environ, "PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "3"},
            )

    def finish(self) -> int:
        """Run the study to its end; return its exit code."""
        process = self.start()
        try:
            return process.wait(_TOO_LONG_S)
        finally:
            end(process)

    def faults(self) -> list[str]:
        """What is wrong in the home."""
        from stores import disagreements

        return disagreements(self.path, "chaos", TRIALS, models="all" in self.command)


def end(process: subprocess.Popen[bytes]) -> None:
    """Kill a process and all that it began."""
    family = []
    with contextlib.suppress(psutil.NoSuchProcess):
        family = psutil.Process(process.pid).children(recursive=True)
    for each in (process, *family):
        with contextlib.suppress(psutil.NoSuchProcess, ProcessLookupError):
            each.kill()
    process.wait()


def seams(home: Home, kills: int, draw: random.Random) -> Iterator[str]:
    """The study's process kills itself before or after a write to one of the stores."""
    from faulty import SEAMS

    places = [(where, when) for where in SEAMS for when in ("before", "after")]
    draw.shuffle(places)
    for number in range(kills):
        where, when = places[number % len(places)]
        process = home.start(where, when, str(draw.randint(1, 4)))
        try:
            code = process.wait(_TOO_LONG_S)
        finally:
            end(process)
        home.kills += code == -signal.SIGKILL
        if code == 0:  # it was done before that
            home.command[home.command.index("--trials") + 1] = str(_more(home))
        if code not in (0, -signal.SIGKILL):
            yield f"after a kill {when} `{where}` the study ended with exit code {code}"


def random_kills(home: Home, kills: int, draw: random.Random) -> Iterator[str]:
    """A random process of the study is killed at a random moment, and its study goes on."""
    killed = 0
    process = home.start()
    while killed < kills:
        time.sleep(draw.uniform(0.2, 6.0))
        if process.poll() is not None:
            if process.returncode not in (0, -signal.SIGKILL):
                yield f"the study ended with exit code {process.returncode}"
            end(process)
            process = home.start()
            continue
        with contextlib.suppress(psutil.NoSuchProcess, IndexError):
            parent = psutil.Process(process.pid)
            victim = draw.choice([parent, *parent.children(recursive=True)])
            victim.kill()
            killed += 1
            home.kills += 1
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(_TOO_LONG_S)
    end(process)


def groups(home: Home, kills: int, draw: random.Random) -> Iterator[str]:
    """All processes of the study are killed at once."""
    for _ in range(kills):
        process = home.start()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(draw.uniform(3.0, 14.0))
        home.kills += process.poll() is None
        end(process)
    yield from ()


def children(home: Home, kills: int, draw: random.Random) -> Iterator[str]:
    """Training processes and fork servers are killed; the study must not end before its time."""
    killed = 0
    while killed < kills:
        process = home.start()
        while process.poll() is None and killed < kills:
            time.sleep(draw.uniform(0.5, 7.0))
            with contextlib.suppress(psutil.NoSuchProcess, IndexError):
                draw.choice(psutil.Process(process.pid).children(recursive=True)).kill()
                killed += 1
                home.kills += 1
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_TOO_LONG_S)
        if process.returncode != 0:
            yield f"the study ended with exit code {process.returncode}"
        end(process)
        home.command[home.command.index("--trials") + 1] = str(_more(home))


def _more(home: Home) -> int:
    """A target that the study has not reached yet."""
    global TRIALS
    TRIALS += 12
    return TRIALS


SCENARIOS: dict[str, tuple[Callable[..., Iterator[str]], int, tuple[str, ...]]] = {
    "seams": (seams, 48, ("--keep-models", "all")),
    "random": (random_kills, 52, ("--keep-models", "all")),
    "groups": (groups, 20, ()),
    "children": (children, 50, ()),
}
"""Name, what is done, how often, and further options of the study."""


def run(name: str, kills: int | None = None) -> dict[str, Any]:
    """Run one scenario; return its kills, its seconds and what went wrong."""
    global TRIALS
    TRIALS = 12
    scenario, usual, options = SCENARIOS[name]
    count = kills or usual
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="chaos-") as folder:
        home = Home(Path(folder), *options)
        wrong = list(scenario(home, count, random.Random(1)))
        code = home.finish()
        if code != 0:
            wrong.append(f"the last run ended with exit code {code}")
            wrong.append(home.log.read_text(encoding="utf-8")[-2000:])
        wrong += home.faults()
        if home.kills < count / 2:
            wrong.append(f"only {home.kills} kills of {count} came about")
        count = home.kills
    seconds = time.monotonic() - began
    return {"scenario": name, "kills": count, "seconds": round(seconds), "wrong": wrong}


def main() -> None:
    """Run the scenarios, and print what each came to."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", choices=SCENARIOS, default=list(SCENARIOS))
    parser.add_argument("--kills", type=int)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    results = []
    for name in given.only:
        result = run(name, given.kills)
        results.append(result)
        said = "nothing lost" if not result["wrong"] else "; ".join(result["wrong"])
        print(f"{name}: {result['kills']} kills in {result['seconds']} s: {said}", file=sys.stderr)
    if given.json:
        print(json.dumps(results, indent=2))
    sys.exit(any(result["wrong"] for result in results))


if __name__ == "__main__":
    main()
