"""A small file of ratings, and homes whose databases exist already."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
import pytest
from calling import Here
from postgres import Server

from search import StudyConfig

TOP = Path(__file__).parent.parent.parent
SUPPORT = TOP / "tests" / "support"
EXAMPLES = TOP / "docs" / "examples"


@pytest.fixture(scope="session", autouse=True)
def _ctrl_c() -> None:
    """Processes of tests hear Ctrl-C, also where a shell that runs them in the background, which
    has them ignore it, started the tests."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:  # of tests that were started by `nohup`
        signal.signal(signal.SIGHUP, signal.SIG_DFL)


@pytest.fixture(scope="session", autouse=True)
def _ends_in_order() -> None:
    """A command that is asked to stop has the time that it takes on a machine that runs tests."""
    os.environ.setdefault("TRIALBOOK_ENDS_IN_S", "0")  # by force never


@pytest.fixture(scope="session", autouse=True)
def _one_worker() -> None:
    """Studies that a test makes train one trial after another, unless it says otherwise: which of
    two trials ends first is nothing that a test can hold."""
    StudyConfig.__init__.__kwdefaults__["workers"] = 1


@pytest.fixture(scope="session")
def ratings_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """1,500 ratings of 60 users and 50 movies, with biases to learn."""
    rng = np.random.default_rng(0)
    pairs = rng.choice(60 * 50, 1500, replace=False)
    users, movies = pairs // 50, pairs % 50
    liking = 3.5 + rng.normal(0, 0.6, 60)[users] + rng.normal(0, 0.6, 50)[movies]
    scores = np.clip(np.round(2 * (liking + rng.normal(0, 0.4, 1500))) / 2, 0.5, 5)
    path = tmp_path_factory.mktemp("data") / "ratings.csv"
    frame = pd.DataFrame(
        {"userId": users + 100, "movieId": movies + 7000, "rating": scores, "timestamp": 1000}
    )
    frame.to_csv(path, index=False)
    return path


@pytest.fixture(scope="session")
def empty_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from tracking import Store

    home = tmp_path_factory.mktemp("empty") / "mlruns"
    Store(home).prepare()
    return home


@pytest.fixture
def home(tmp_path: Path, empty_home: Path) -> Path:
    """A home of its own for a test, MLflow's tables already made."""
    target = tmp_path / "mlruns"
    shutil.copytree(empty_home, target)
    return target


@pytest.fixture
def here(capsys: pytest.CaptureFixture[str]) -> Here:
    """Commands in this process."""
    return Here(capsys)


@pytest.fixture(autouse=True)
def _own_modules(monkeypatch: pytest.MonkeyPatch) -> None:
    """Children find the modules of the tests, and this checkout's code, whichever is installed."""
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(TOP), str(SUPPORT), str(EXAMPLES)]))


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """A PostgreSQL server of this process; a test makes a database of its own in it.

    Its folder is none of pytest's, which another run of pytest closes to all but one user: as root,
    the server runs as a user of its own.
    """
    with TemporaryDirectory(prefix="tests-postgres-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        server = Server(Path(folder))
        yield server
        server.close()
