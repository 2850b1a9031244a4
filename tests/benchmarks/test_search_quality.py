"""What the comparison of searchers makes of their trials."""

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
    return importlib.import_module("search_quality")


def _run(arm: str, seed: int, *trials: tuple[float, float]) -> dict[str, Any]:
    listed = [{"t": t, "value": value, "test": value - 0.01} for t, value in trials]
    return {"arm": arm, "seed": seed, "seconds": 600, "trials": listed}


RUNS = [
    _run("trialbook", 0, (20, 0.95), (60, 0.90), (550, 0.88)),
    _run("trialbook", 1, (20, 0.93), (40, 0.91), (100, 0.89)),
    _run("trialbook", 2, (50, 0.94)),
    _run("optuna", 0, (100, 0.96), (300, 0.90)),  # ours had 0.90 at 60: a fifth
    _run("optuna", 1, (200, 0.92), (500, 0.90)),  # ours had 0.89 at 100: a fifth
    _run("optuna", 2, (400, 0.90)),  # ours never
]


def test_a_share_is_of_the_time_that_the_searcher_took_to_its_final_best(
    quality: ModuleType,
) -> None:
    ours, optuna = quality.summary(RUNS, 600)
    assert ours["arm"] == "trialbook"
    assert "share" not in ours
    assert (ours["best_120"], ours["best_600"]) == (0.90, 0.89)
    assert (optuna["seeds"], optuna["trials"]) == (3, 2)
    assert (optuna["best_120"], optuna["best_300"], optuna["best_600"]) == (None, 0.92, 0.90)
    assert optuna["test"] == pytest.approx(0.89)
    assert (optuna["had"], optuna["reached"], optuna["share"]) == (400, 100, pytest.approx(0.2))


def test_a_seed_that_ours_has_not_run_is_left_out(quality: ModuleType) -> None:
    more = [*RUNS, _run("optuna", 3, (9, 0.5))]
    assert quality.summary(more, 600) == quality.summary(RUNS, 600)


def test_what_most_seeds_never_reached_has_no_time(quality: ModuleType) -> None:
    _, optuna = quality.summary([RUNS[2], RUNS[5]], 600)
    assert (optuna["reached"], optuna["share"]) == (None, None)
    assert optuna["best_300"] is None
    assert optuna["best_600"] == 0.90


def test_the_picture_is_drawn_of_what_is_there(quality: ModuleType, tmp_path: Path) -> None:
    quality.draw(RUNS, 600, tmp_path / "new" / "q.png")
    assert (tmp_path / "new" / "q.png").read_bytes().startswith(b"\x89PNG")
