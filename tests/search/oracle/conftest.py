"""Keras Tuner's own oracles and ours, with a home that they share."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from oracle_kinds import KINDS, Oracles

from search.storage.studies import Studies
from tracking import NullRecorder


@pytest.fixture(scope="module")
def shared_home(tmp_path_factory: pytest.TempPathFactory, empty_home: Path) -> Path:
    """A home for the studies of a module's tests."""
    home = tmp_path_factory.mktemp("shared") / "mlruns"
    shutil.copytree(empty_home, home)
    return home


@pytest.fixture
def unrecorded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Studies without a record in MLflow, which is none of the matters of most tests."""
    monkeypatch.setattr(Studies, "recorder", lambda self, config=None: NullRecorder())


@pytest.fixture(params=KINDS)
def oracles(
    request: pytest.FixtureRequest, shared_home: Path, tmp_path: Path, unrecorded: None
) -> Oracles:
    return Oracles(request.param, tmp_path.name.replace("[", " ").replace("]", ""), shared_home)
