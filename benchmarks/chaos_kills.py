"""Scenarios in which processes of a study are killed or stand still."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import psutil
from chaos_ends import ended, killed_after, settled
from chaos_home import SUPPORT, Home
from chaos_processes import end, signal_all


def random_kills(home: Home, kills: int, draw: random.Random) -> Iterator[str]:
    """A random process of the study or of a worker that joined in is killed; both come again."""
    running, hit = {"study": home.start()}, Counter[str]()
    while home.goes_on(kills):
        time.sleep(draw.uniform(0.2, 6.0))
        for place, process in list(running.items()):
            if process.poll() is None:
                continue
            if process.returncode not in (0, -signal.SIGKILL):
                yield f"the {place} ended with exit code {process.returncode}"
            end(process)
            del running[place]
            if place == "study":
                home.target += 12 if process.returncode == 0 else 0
                running[place] = home.start()
        if "worker" not in running and home.done():
            running["worker"] = home.join()
        with contextlib.suppress(psutil.NoSuchProcess, IndexError):
            place = draw.choice(list(running))
            parent = psutil.Process(running[place].pid)
            victim = draw.choice([parent, *parent.children(recursive=True)])
            kind = place if victim == parent else _kind(victim)
            victim.kill()
            hit[kind] += 1
            home.kills += 1
    for process in running.values():
        home.ended(process)  # it may have been killed last
    home.notes.append(", ".join(f"{kind} {count}" for kind, count in hit.most_common()))
    if kills >= _MANY:
        yield from (f"no {kind} was killed" for kind in _KINDS if not hit[kind])
    yield from settled(home)


_KINDS = ("study", "worker", "fork server", "child")
_MANY = 20
"""Of so many random kills each kind of process gets some."""


def _kind(process: psutil.Process) -> str:
    """What a process below a study is; a fork server's children have its command line.

    Raises:
        psutil.NoSuchProcess: It has ended.
    """
    serves = ["search.child.fork_server" in each.cmdline() for each in (process, process.parent())]
    return "fork server" if serves == [True, False] else "child"


def groups(home: Home, kills: int, draw: random.Random) -> Iterator[str]:
    """All processes of the study are killed at once, half of the times while it trains."""
    training = 0
    while home.goes_on(kills):
        aims = draw.random() < 0.5
        home.kills += yield from killed_after(home, draw.uniform(5.0, 14.0), aims=aims)
        training += bool(home.training())  # nobody has closed them yet
    home.notes.append(f"with trials under way {training} times")
    if not training:
        yield "no trial was under way at any time"
    yield from settled(home)


_AIMS_S = 30.0


def children(home: Home, kills: int, draw: random.Random) -> Iterator[str]:
    """Training processes and fork servers are killed; the study must not end before its time.

    About half of the kills are at any moment, the others are aimed at the state that was hit least.
    """
    from aimed import STATES

    hit: Counter[str] = Counter()
    aim = home.path.with_name("aim")
    while home.goes_on(kills):
        process = home.start(str(SUPPORT / "aimed.py"), str(aim))
        while process.poll() is None and home.goes_on(kills):
            time.sleep(draw.uniform(0.5, 5.0))
            rarest = min(STATES, key=lambda state: hit[state])
            is_aimed = not hit[rarest] or draw.random() < 0.5
            state = _aimed(process, aim, rarest) if is_aimed else _anyone(process, aim, draw)
            if state is not None:
                hit[state] += 1
                home.kills += 1
        yield from ended(home, [process])
        home.target += 12
    home.notes.append(", ".join(f"{state} {count}" for state, count in hit.most_common()))
    yield from (f"nothing was killed that was {state}" for state in STATES if not hit[state])
    if home.failed() > home.kills:
        yield f"{home.failed()} trials failed after {home.kills} kills"
    yield from settled(home)


def _aimed(process: subprocess.Popen[bytes], aim: Path, state: str) -> str | None:
    """Have a process killed the moment it is in a state; return that state if one was."""
    aim.write_text(state, encoding="utf-8")
    latest = time.monotonic() + _AIMS_S
    while aim.exists() and process.poll() is None and time.monotonic() < latest:
        time.sleep(0.1)
    return None if aim.exists() else state


def _anyone(process: subprocess.Popen[bytes], aim: Path, draw: random.Random) -> str | None:
    """Kill any process that the study began; return the state that it was in."""
    from aimed import OTHER

    aim.unlink(missing_ok=True)
    try:
        victim = draw.choice(psutil.Process(process.pid).children(recursive=True))
        states = json.loads(aim.with_suffix(".states").read_text(encoding="utf-8"))
        victim.kill()
    except (psutil.NoSuchProcess, IndexError, FileNotFoundError):
        return None
    return str(states.get(str(victim.pid), OTHER))


_STANDS_S = 60.0


def stops(home: Home, kills: int, draw: random.Random) -> Iterator[str]:
    """Of two processes one stands still for longer than its lease, and goes on.

    It does so while it trains a trial, which the other then takes over.
    """
    program = str(SUPPORT / "hurried.py")
    running = [home.start(program) for _ in range(2)]
    while home.goes_on(kills):
        time.sleep(draw.uniform(1.0, 5.0))
        place = draw.randrange(2)
        yield from _both_run(home, running, program)
        if not _trains_soon(home, running[place]):
            continue
        before = home.tried_again()
        signal_all(running[place], signal.SIGSTOP)
        yield from _stands(home, running, 1 - place, before, draw)
        signal_all(running[place], signal.SIGCONT)
        home.kills += 1
    yield from ended(home, running)
    home.notes.append(f"{home.tried_again()} trials were taken over")
    if not home.tried_again():
        yield "no trial was taken over"
    yield from settled(home)


def _both_run(home: Home, running: list[subprocess.Popen[bytes]], program: str) -> Iterator[str]:
    """Start a process again that has ended."""
    for place, process in enumerate(running):
        if process.poll() is not None:
            yield from ended(home, [process])
            home.target += 12
            running[place] = home.start(program)


def _trains_soon(home: Home, process: subprocess.Popen[bytes]) -> bool:
    """Wait until a process trains a trial, or has ended."""
    latest = time.monotonic() + _AIMS_S
    while process.poll() is None and time.monotonic() < latest:
        if process.pid in home.training():
            return True
        time.sleep(0.2)
    return False


def _stands(
    home: Home,
    running: list[subprocess.Popen[bytes]],
    other: int,
    before: int,
    draw: random.Random,
) -> Iterator[str]:
    """Wait while a process stands still, until the other has taken its trial over, or for long."""
    from hurried import LEASE_S

    began, least_s = time.monotonic(), draw.uniform(LEASE_S + 1.0, LEASE_S + 5.0)
    while (spent_s := time.monotonic() - began) < _STANDS_S:
        if spent_s >= least_s and home.tried_again() > before:
            return
        rest = running[other : other + 1]
        yield from _both_run(home, rest, str(SUPPORT / "hurried.py"))
        running[other : other + 1] = rest
        time.sleep(0.5)


_HEARD_S = 2.0
_LOADED = "while True: pass"
_HOLDS = "import sys, time; from filelock import FileLock; FileLock(sys.argv[1]).acquire(); "


def heard(home: Home, kills: int, draw: random.Random) -> Iterator[str]:
    """The study is asked to stop at any moment, with busy cores, or the lock held by another.

    Every third time it prints JSON.
    """
    asked = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    seconds: list[float] = []
    with_json: list[float] = []
    while home.goes_on(kills):
        beside = draw.choice(("nothing", "load", "lock"))
        before = home.printed()
        as_json = home.kills % 3 == 2
        process = home.start(options=("--json",) if as_json else ())
        fine = [0, 130]
        time.sleep(draw.uniform(1.0, 15.0))
        with _beside(beside, home):
            if process.poll() is None:
                number = draw.choice(asked)
                began = time.monotonic()
                process.send_signal(number)
                home.ended(process)
                seconds.append(time.monotonic() - began)
                if as_json:
                    with_json.append(seconds[-1])
                home.kills += 1
                if seconds[-1] > _HEARD_S:
                    how = " with --json" if as_json else ""
                    yield f"{number.name}{how} beside {beside} was heard after {seconds[-1]:.1f} s"
                if number != signal.SIGINT and home.printed() == before:
                    fine.append(-number)  # before the study was begun
        if process.returncode not in fine:
            yield f"the study ended with exit code {process.returncode}"
        home.target += 12 if process.returncode == 0 else 0
        end(process)
    seconds = seconds or [0.0]
    home.notes.append(
        f"median {statistics.median(seconds):.1f} s, longest {max(seconds):.1f} s, longest with "
        f"--json {max(with_json, default=0.0):.1f} s"
    )
    yield from settled(home)


@contextlib.contextmanager
def _beside(what: str, home: Home) -> Iterator[None]:
    """In the block all cores are busy with something else, or another process holds the lock."""
    programs = {"load": [[_LOADED]] * (os.cpu_count() or 1)}
    programs["lock"] = [[_HOLDS + "time.sleep(60)", str(home.path / ".optuna.lock")]]
    started = [
        subprocess.Popen([sys.executable, "-c", *each], stderr=subprocess.DEVNULL)
        for each in programs.get(what, [])
        if home.path.exists()
    ]
    time.sleep(1.0 if started else 0.0)
    try:
        yield
    finally:
        for process in started:
            end(process)
