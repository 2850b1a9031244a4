"""Studies that are hurt in many ways lose nothing: a short version of `make chaos`."""

from __future__ import annotations

import importlib
import re
from pathlib import Path
from types import ModuleType

import pytest

CASES = [
    ("seams", 6), ("random", 6), ("groups", 3), ("children", 4), ("stops", 3), ("clocks", 4),
    ("heard", 4), ("server", 2), ("record", 5), ("full", 3), ("hurt", 5), ("many", 40),
    ("many-on-a-server", 40), ("load", 128), ("seams-on-a-server", 4),
]  # fmt: skip
TOP = Path(__file__).parents[2]


@pytest.fixture
def chaos(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(TOP / "benchmarks")
    return importlib.import_module("chaos")


@pytest.mark.slow
@pytest.mark.parametrize(("name", "times"), CASES)
def test_nothing_is_lost_whatever_happens(chaos: ModuleType, name: str, times: int) -> None:
    assert chaos.run(name, times)["wrong"] == []


def test_every_seam_is_a_method_that_is_there(chaos: ModuleType) -> None:
    faulty = importlib.import_module("faulty")
    for module, owner, method in faulty.SEAMS.values():
        assert callable(getattr(faulty.owner_of(module, owner), method))


def test_every_write_to_mlflow_is_a_seam() -> None:
    faulty = importlib.import_module("faulty")
    verbs = "create|log|set|update|delete|finalize|restore|rename"
    said = re.compile(rf"client(?:\(\))?\.((?:{verbs})\w*)\(")
    sources = (path.read_text() for path in (TOP / "tracking/runs").rglob("*.py"))
    written = {name for source in sources for name in said.findall(source)}
    seams = {method for _, owner, method in faulty.SEAMS.values() if owner == "MlflowClient"}
    assert written == seams | set(faulty.NOT_IN_A_SEARCH)
