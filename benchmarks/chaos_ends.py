"""How the rounds of scenarios and the scenarios themselves end, and what must be true then."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Generator, Iterable, Iterator

from chaos_home import TOO_LONG_S, Home
from chaos_processes import end

_ENDING_S = 10.0
_NEVER_SAID = ("Traceback (most recent call last)", "database is locked", "itself failed")


def settled(home: Home, *others: Home) -> Iterator[str]:
    """Run a study to its end, with nothing in its way, and tell what is wrong in its stores.

    Args:
        home: The study.
        others: Further homes that worked on it.
    """
    from stores import left_in_the_spool

    for each in (home, *others):  # each delivers what waits in its own spool
        each.target = home.target
        code = each.finish()
        if code != 0:
            yield f"the last run ended with exit code {code}: {each.printed()[-2000:]}"
            return
    yield from home.disagreements()
    yield from (f"{name} is left" for name in _scratch_left(home))
    for each in others:
        yield from left_in_the_spool(each.path)
    for each in (home, *others):
        said = each.printed()
        yield from (f"{text!r} was printed" for text in _NEVER_SAID if text in said)


def _scratch_left(home: Home) -> list[str]:
    """The scratch folders that are there after the last command; its children end after it."""
    latest = time.monotonic() + _ENDING_S
    while left := [path.name for path in home.temporary.glob("trialbook-*")]:
        if time.monotonic() > latest:
            break
        time.sleep(0.1)
    return left


def ended(
    home: Home, running: Iterable[subprocess.Popen[bytes]], most_s: float = TOO_LONG_S
) -> Iterator[str]:
    """Wait until processes have ended, and tell which ended badly."""
    for process in running:
        code = home.ended(process, most_s)
        if code not in (0, None):
            yield f"a process ended with exit code {code}"


def killed_after(home: Home, seconds: float, *, aims: bool = False) -> Generator[str, None, bool]:
    """Start the study and kill all of it after a while; tell if it had ended badly before.

    Args:
        home: The study.
        seconds: How long it runs.
        aims: Whether it is to be killed as soon as a trial is under way, if that is before.

    Returns:
        Whether it was still running.
    """
    process = home.start()
    latest = time.monotonic() + seconds
    while process.poll() is None and time.monotonic() < latest and not (aims and home.training()):
        time.sleep(0.05)
    if process.returncode == 0:
        home.target += 12
    elif process.returncode is not None:
        yield f"the study ended with exit code {process.returncode}"
    was_running = process.returncode is None
    end(process)
    return was_running
