"""How long the properties are tried: a few examples each, or minutes (`make fuzz`)."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

CHOSEN = os.environ.get("TRIALBOOK_FUZZ", "bounded")
SECONDS = float(os.environ.get("TRIALBOOK_FUZZ_SECONDS", "600")) if CHOSEN == "minutes" else 0.0
_HERE = Path(__file__).parent

settings.register_profile(
    "bounded",
    max_examples=20,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
settings.register_profile(
    "minutes",
    settings.get_profile("bounded"),
    max_examples=100,
    derandomize=False,
    print_blob=True,
)
settings.register_profile("fuzz", settings.get_profile(CHOSEN))


def pytest_collection_finish(session: pytest.Session) -> None:
    """Divide the time among the properties that are tried."""
    here = [item for item in session.items if _HERE in item.path.parents]
    session.config.stash[_SHARE_S] = SECONDS / max(1, len(here))


_SHARE_S = pytest.StashKey[float]()


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """In the long version, try a property again and again until its time is over."""
    share_s = pyfuncitem.config.stash[_SHARE_S]
    if not share_s or _HERE not in pyfuncitem.path.parents:
        return None
    until = time.monotonic() + share_s
    names = pyfuncitem._fixtureinfo.argnames
    arguments = {name: pyfuncitem.funcargs[name] for name in names}
    while time.monotonic() < until:
        pyfuncitem.obj(**arguments)
    return True
