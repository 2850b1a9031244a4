"""Scenarios in which a study kills itself before or after each of its writes to the stores."""

from __future__ import annotations

import itertools
import random
import signal
import sys
from collections.abc import Iterator

from chaos_ends import settled
from chaos_home import SUPPORT, Home

sys.path.insert(0, str(SUPPORT))
from faulty import SEAMS

PLACES = 2 * len(SEAMS)
"""Each of them is before or after a write."""

_TRIES = 3
_RARE = ("state", "attribute", "closed another's", "queued", "queued again", "results")
"""Writes that a study may do only once or twice."""
_EVERY_RUN = ("lease", "lease renewed", "lease given back", "leases ended", "view", "study file")
"""Writes that each run of a study does, though not often."""
_AT_THE_START = {
    "new study": 1, "table of leases": 1, "experiment": 1, "study attribute": 4, "queued": 2,
}  # fmt: skip
"""Writes that belong to a study's begin, and how often at the least they are done there: each place
gets a study of its own."""
_OF_ANOTHERS = ("closed another's", "queued again", "leases ended", "state", "attribute")
"""Writes that tidy up after a process that is gone: one is killed in its trial before."""
_OPTIONS = {
    "rung": ("--pruner", "hyperband", "--pruner-option", "min_resource=1"),
    "queued": ("--sampler", "tpe"),
}
"""Options without which a study does not write these: only some samplers have recipes queued."""


def seams(home: Home, kills: int, draw: random.Random) -> Iterator[str]:
    """The study's process kills itself before or after a write to one of the stores.

    Each place comes about as often as the others; one that does not come about is wrong.
    """
    places = [(where, when) for where in SEAMS for when in ("before", "after")]
    draw.shuffle(places)
    for number, place in enumerate(itertools.islice(itertools.cycle(places), kills)):
        if not home.goes_on(kills):
            break
        yield from _killed_at(home, *place, number, draw)
    yield from settled(home)


def on_a_server(home: Home, kills: int, draw: random.Random) -> Iterator[str]:
    """As `seams`, with both stores on PostgreSQL, which is written to by other statements."""
    from postgres import Server

    from tracking import Store

    own = Server(home.path.parent)

    def stores() -> tuple[str, str]:
        storage, record = own.database(), own.database()
        Store(home.path, record).prepare()
        return storage, record

    try:
        home.new_stores = stores
        home.storage, home.record = stores()
        yield from seams(home, kills, draw)
    finally:
        own.close()


def _killed_at(
    home: Home, where: str, when: str, number: int, draw: random.Random
) -> Iterator[str]:
    """Have a study killed at a place: the home's, or a new one where the write begins a study."""
    for tried in range(1, _TRIES + 1):
        is_new = where in _AT_THE_START or where in _OPTIONS or tried == _TRIES
        own = home.another(f"new{number}-{tried}", *_OPTIONS.get(where, ())) if is_new else home
        if not is_new:
            own.target += 3  # so that the next one comes about
        if where in _OF_ANOTHERS:
            own.ended(own.start(str(SUPPORT / "faulty.py"), "told an end", "before", "1"))
        code = own.ended(own.start(str(SUPPORT / "faulty.py"), where, when, _nth(where, draw)))
        if code not in (0, -signal.SIGKILL):
            yield f"after a kill {when} `{where}` the study ended with exit code {code}"
        if is_new:
            yield from (f"{when} `{where}`: {text}" for text in settled(own))
        if code == -signal.SIGKILL:
            home.kills += 1
            return
    yield f"{when} `{where}` did not come about in {_TRIES} runs"


def _nth(where: str, draw: random.Random) -> str:
    if where in _RARE or where in _EVERY_RUN:
        return "1"
    return str(draw.randint(1, _AT_THE_START.get(where, 3)))
