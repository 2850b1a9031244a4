"""Keras Tuner's own oracles and ours, without databases."""

from __future__ import annotations

from pathlib import Path

import optuna
import pytest
from oracle_kinds import KINDS, Oracles

from search.storage.studies import Studies
from tracking import NullRecorder, Store


@pytest.fixture
def in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Studies in memory and without a record in MLflow: neither matters to what a tuner sees."""
    monkeypatch.setattr(Studies, "recorder", lambda self, config=None: NullRecorder())
    monkeypatch.setattr(Studies, "storage", optuna.storages.InMemoryStorage())
    monkeypatch.setattr(Store, "prepare", lambda self: self.home.mkdir(exist_ok=True))


@pytest.fixture(params=KINDS)
def oracles(request: pytest.FixtureRequest, tmp_path: Path, in_memory: None) -> Oracles:
    return Oracles(request.param, tmp_path / "mlruns")
