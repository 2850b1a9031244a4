"""Scenarios in which what a study depends on fails: clocks, database, record; and many workers."""

from __future__ import annotations

import itertools
import json
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

from chaos_ends import ended, settled
from chaos_home import ROOT, SUPPORT, TOO_LONG_S, Home


def clocks(home: Home, kills: int, draw: random.Random) -> Iterator[str]:
    """The time of day of one of two processes is set by an hour, forth or back, while they run.

    No process takes the other for gone: no trial may be tried again.
    """
    offsets = [home.path.with_name(f"clock{number}") for number in range(2)]

    def start(place: int) -> subprocess.Popen[bytes]:
        return home.start(str(SUPPORT / "clocked.py"), str(offsets[place]))

    for path in offsets:
        path.write_text("0", encoding="ascii")
    running = [start(place) for place in range(2)]
    while home.goes_on(kills):
        time.sleep(draw.uniform(2.0, 6.0))
        place = draw.randrange(2)
        offsets[place].write_text(draw.choice(("3600", "0", "-3600")), encoding="ascii")
        home.kills += 1
        if running[place].poll() is not None:
            if running[place].returncode != 0:
                yield f"a process ended with exit code {running[place].returncode}"
            home.target += 12
            running[place] = start(place)
    yield from ended(home, running)
    yield from settled(home)
    if again := home.tried_again():
        yield f"{again} trials of living processes were closed and queued again"


def server(home: Home, kills: int, draw: random.Random) -> Iterator[str]:
    """The PostgreSQL server of two homes is killed or restarted, at once or after a while."""
    from postgres import Server

    from tracking import Store

    own = Server(home.path.parent)
    try:
        home.storage, home.record = own.database(), own.database()
        Store(home.path, home.record).prepare()
        second = home.another("second", shares=True)
        homes = (home, second)
        running = [each.start() for each in homes]
        modes = itertools.cycle(("immediate", "fast"))
        while home.goes_on(kills):
            time.sleep(draw.uniform(4.0, 12.0))
            own.stop(next(modes))
            time.sleep(draw.choice((0.0, 0.0, 1.0, 5.0, 20.0)))
            own.start()
            home.kills += 1
            for place, process in enumerate(running):
                if process.poll() is None:
                    continue
                if process.returncode != 0:
                    said = homes[place].printed().rpartition("trialbook: ")[2].strip()
                    yield f"a process ended with exit code {process.returncode}: {said[:300]}"
                home.target = second.target = home.target + 12
                running[place] = homes[place].start()
        yield from ended(home, running)
        yield from settled(home, second)
    finally:
        own.close()


def many(home: Home, kills: int, draw: random.Random) -> Iterator[str]:
    """Eight workers train five hundred short trials on SQLite."""
    home.target = kills
    process = home.start()
    yield from ended(home, [process], TOO_LONG_S + 5.0 * kills)
    home.kills = home.done()
    yield from settled(home)


def many_on_a_server(home: Home, kills: int, draw: random.Random) -> Iterator[str]:
    """Four processes of four workers train five hundred short trials on PostgreSQL."""
    from postgres import Server

    from tracking import Store

    own = Server(home.path.parent)
    try:
        home.storage, home.record = own.database(), own.database()
        Store(home.path, home.record).prepare()
        home.target = kills
        homes = [home, *(home.another(f"home{number}", shares=True) for number in range(3))]
        running = [each.start() for each in homes]
        yield from ended(home, running, TOO_LONG_S + 5.0 * kills)
        home.kills = home.done()
        yield from settled(*homes)
    finally:
        own.close()


_FULL = 1000
"""From so many trials on, what is timed says something."""
_EARLIER = 20_000
_ASK_P99_MS = 1000.0
_ARMS = {
    "optuna": "plain Optuna", "ours": "the record switched off", "recorded": "with the record",
}  # fmt: skip


def load(home: Home, kills: int, draw: random.Random) -> Iterator[str]:
    """64 workers with trials of 100 ms on PostgreSQL: recorded, not recorded, and of plain Optuna.

    In the full run the study has 20,000 trials already; only the recorded one begins with none,
    since MLflow would first be given those.
    """
    before = _EARLIER if kills >= _FULL else 2 * kills
    found = _timed(home, ["optuna", "ours"], kills, before)
    found |= _timed(home, ["recorded"], kills, 0)
    if len(found) < len(_ARMS):
        yield f"of the workers only {', '.join(found) or 'none'} ended well"
        return
    home.kills = home.target = found["ours"]["trials"]
    for arm, each in found.items():
        ask, tell = each["ask_ms"], each["tell_ms"]
        home.notes.append(
            f"{_ARMS[arm]}: {each['trials_a_second']} trials a second after {each['before']}, ask "
            f"{ask['median']:.0f} ms (99 % within {ask['p99']:.0f}), tell {tell['median']:.0f} ms "
            f"(99 % within {tell['p99']:.0f})"
        )
        if each["trials"] != kills:
            yield f"{_ARMS[arm]}: {each['trials']} trials are complete, of {kills}"
    if kills < _FULL:
        return
    if found["ours"]["trials_a_second"] < found["optuna"]["trials_a_second"]:
        yield "fewer trials a second than plain Optuna"
    if found["ours"]["ask_ms"]["p99"] > _ASK_P99_MS:
        yield f"99 % of asks took up to {found['ours']['ask_ms']['p99']:.0f} ms"


def _timed(home: Home, arms: list[str], trials: int, before: int) -> dict[str, dict[str, Any]]:
    """The figures of some arms of `scaling.py`, by name; of none where that failed."""
    program = [sys.executable, str(ROOT / "benchmarks" / "scaling.py"), "--json"]
    program += ["--trials", str(trials), "--before", str(before), "--arms", *arms]
    figures = home.log.with_name("figures.json")
    with figures.open("wb") as out, home.log.open("ab") as log:
        code = home.ended(subprocess.Popen(program, stdout=out, stderr=log), float("inf"))
    told = json.loads(figures.read_text(encoding="utf-8")) if code == 0 else []
    return {each["arm"]: each for each in told}
