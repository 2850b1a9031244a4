"""Scenario in which MLflow's server is away, fails, is slow, or has no room."""

from __future__ import annotations

import contextlib
import itertools
import random
import signal
import subprocess
import time
from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING

from chaos_ends import ended, settled
from chaos_home import Home

if TYPE_CHECKING:
    from moody import MoodyServer

_TRAINS_WITHIN_S = 180.0
"""In this time a study that is just begun has trained a trial, on a busy machine too."""
_AWAY_S = 60.0


def record(home: Home, kills: int, draw: random.Random) -> Iterator[str]:
    """The MLflow server is away, at the start too, or fails, is slow, or its disk is full.

    Trials are trained all the while. The last time it is away until the study has ended.
    """
    from moody import MoodyServer

    door = MoodyServer(home.path.parent)
    home.record = door.address
    if not door.has_disk:
        home.notes.append("the server's full disk was imitated")
    outages = itertools.cycle([_absent, _failing, _slow, _full, _absent])
    try:
        running = home.start()
        while home.goes_on(kills - 1):
            outage = next(outages)
            with outage(door):
                least_s = _AWAY_S if outage is _absent else draw.uniform(8.0, 20.0)
                running = yield from _trains(home, running, least_s, door)
            home.kills += 1
        yield from ended(home, [running])
        yield from _delivered_by_doctor(home, door)
        yield from settled(home)
    finally:
        door.close()


@contextlib.contextmanager
def _absent(door: MoodyServer) -> Iterator[None]:
    door.stop()
    yield
    door.start()


@contextlib.contextmanager
def _failing(door: MoodyServer) -> Iterator[None]:
    door.mood = "fails"
    yield
    door.mood = "passes"


@contextlib.contextmanager
def _slow(door: MoodyServer) -> Iterator[None]:
    door.mood = "slow"
    yield
    door.mood = "passes"


@contextlib.contextmanager
def _full(door: MoodyServer) -> Iterator[None]:
    with door.full():
        yield


def _trains(
    home: Home, process: subprocess.Popen[bytes], least_s: float, door: MoodyServer
) -> Generator[str, None, subprocess.Popen[bytes]]:
    """Have the study train for a while, begun anew where it has ended.

    Meanwhile a trial must end, and a request be turned away unless the server is only slow.

    Returns:
        The study's process.
    """
    began, before, trained = time.monotonic(), home.done(), 0
    turned_away, mood = door.turned_away, door.mood
    while True:
        if not trained and before == home.target:  # it waits for the server, with nothing to train
            process.send_signal(signal.SIGINT)
            home.ended(process)
        if process.poll() is not None:
            if process.returncode not in (0, 130):
                yield f"the study ended with exit code {process.returncode} ({mood})"
            home.target += 4  # few, since all of them are delivered at the end
            process = home.start()
        time.sleep(2.0)
        spent_s, trained = time.monotonic() - began, home.done() - before
        met = mood == "slow" or door.turned_away > turned_away
        if spent_s >= (least_s if trained and met else _TRAINS_WITHIN_S):
            break
    if not trained:
        yield f"no trial ended within {spent_s:.0f} s while the server was away or {mood}"
    if not met:
        yield f"no request was turned away within {spent_s:.0f} s"
    return process


def _delivered_by_doctor(home: Home, door: MoodyServer) -> Iterator[str]:
    """The server is away until the study has ended; `doctor` delivers what waits, no search."""
    from stores import left_in_the_spool

    with _absent(door):
        home.target += 6
        if (code := home.finish()) != 0:
            yield f"without a server the study ended with exit code {code}"
        if not left_in_the_spool(home.path):
            yield "nothing waits for a server that stays away"
    code, said = home.call("doctor", "--fix")
    if code != 0:
        yield f"`doctor --fix` ended with exit code {code}: {said[-500:]}"
    for text in home.disagreements():
        yield f"after `doctor --fix`: {text}"
    home.kills += 1
