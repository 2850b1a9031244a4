"""A study of three trials, for tests to spoil."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from search import StudyConfig, run_study


@pytest.fixture(scope="session")
def done(tmp_path_factory: pytest.TempPathFactory, empty_home: Path, ratings_file: Path) -> Path:
    """A study of three trials, complete in both stores."""
    home = tmp_path_factory.mktemp("doctor") / "mlruns"
    shutil.copytree(empty_home, home)
    config = StudyConfig(
        name="ill", data=str(ratings_file), trials=3, epochs=2, sampler="random", workers=1
    )
    run_study(config, home=home)
    return home


@pytest.fixture
def ill(done: Path, tmp_path: Path) -> Path:
    """A copy of the home, for a test to spoil."""
    home = tmp_path / "mlruns"
    shutil.copytree(done, home)
    return home
