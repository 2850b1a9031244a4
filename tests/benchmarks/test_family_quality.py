"""What the comparison on a family of data sets makes of the searchers' trials."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

TOP = Path(__file__).parents[2]


@pytest.fixture
def quality(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(TOP / "benchmarks")
    return importlib.import_module("family_quality")


def _run(arm: str, name: str, began: float, *trials: tuple[float, float, float]) -> dict[str, Any]:
    listed = [{"t": t, "value": value, "test": test} for t, value, test in trials]
    return {"arm": arm, "set": name, "seed": 0, "began": began, "trials": listed}


RUNS = [
    _run("trialbook", "a", 10, (20, 1.0, 1.1), (40, 0.8, 0.88)),
    _run("trialbook", "b", 10, (30, 1.0, 1.0)),
    _run("optuna", "a", 5, (105, 0.9, 0.8)),  # had by ours 30 s after its first epoch, of 100 s
    _run("optuna", "b", 5, (25, 1.0, 1.25), (55, 0.9, 1.0)),  # never had by ours
    _run("ray", "b", 5, (15, 1.0, 1.0)),  # 20 s of 10 s
]


def test_pairs_by_hand(quality: ModuleType) -> None:
    pairs = {(pair["arm"], pair["set"]): pair for pair in quality.compared(RUNS)}
    assert pairs["optuna", "a"]["share"] == pytest.approx(0.3)
    assert pairs["optuna", "a"]["is_best"]
    assert pairs["optuna", "a"]["test"] == pytest.approx(0.1)
    assert pairs["optuna", "b"]["share"] == float("inf")
    assert not pairs["optuna", "b"]["is_best"]
    assert pairs["ray", "b"]["share"] == pytest.approx(2.0)
    assert pairs["ray", "b"]["is_best"]  # as good is good enough


def test_the_summary_by_hand(quality: ModuleType) -> None:
    found = quality.summary(RUNS)
    optuna, ray = found["rows"]
    assert (optuna["pairs"], optuna["worst_set"], optuna["worst_share"]) == (2, "b", None)
    assert optuna["best_in"] == 0.5
    assert optuna["test"] == pytest.approx((0.1 + 0.0) / 2)
    assert (ray["share"], ray["best_in"]) == (pytest.approx(2.0), 1.0)
    # Our picks: 0.88 / 0.8 and 1.0 / 1.0.
    assert found["rosy"]["trialbook"] == pytest.approx(0.05)
    assert "never" in quality._table(found)


def test_large_sets_are_apart(quality: ModuleType) -> None:
    large = [run | {"set": "groups"} for run in RUNS if run["set"] == "a"]
    found = quality.summary([*RUNS, *large])
    assert [row["pairs"] for row in found["rows"]] == [2, 1]
    (row,) = found["large"]
    assert (row["worst_set"], row["pairs"]) == ("groups", 1)
    assert "on large sets" in quality._table(found)
