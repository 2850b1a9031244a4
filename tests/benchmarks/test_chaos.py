"""Studies that are killed in many ways lose nothing: a short version of `make chaos`."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType

import pytest

TOP = Path(__file__).parents[2]


@pytest.fixture
def chaos(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(TOP / "benchmarks")
    return importlib.import_module("chaos")


@pytest.mark.slow
@pytest.mark.parametrize(("name", "kills"), [("seams", 6), ("random", 6), ("groups", 3)])
def test_nothing_is_lost_whatever_is_killed(chaos: ModuleType, name: str, kills: int) -> None:
    assert chaos.run(name, kills)["wrong"] == []


def test_every_seam_is_a_method_that_is_there(chaos: ModuleType) -> None:
    seams = importlib.import_module("faulty").SEAMS
    for module, owner, method in seams.values():
        assert callable(getattr(getattr(importlib.import_module(module), owner), method))
