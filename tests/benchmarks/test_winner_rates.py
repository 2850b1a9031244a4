"""Claims of a winner are as often wrong as their level says, and not much more often."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType

import pytest
from quickly import cases

TOP = Path(__file__).parents[2]


@pytest.fixture
def benchmark(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(TOP / "benchmarks")
    module = importlib.import_module("winner_rates")
    monkeypatch.setattr(module, "DRAWS", 1_000)
    return module


@pytest.mark.parametrize("repeats", [2, 3, 5, 10])
@pytest.mark.parametrize(
    "noise", cases(["seeds", "users"], ["40 long-tailed users", "100 long-tailed users"])
)
def test_wrong_claims_are_at_most_a_third_more_frequent_than_their_level(
    benchmark: ModuleType, noise: str, repeats: int
) -> None:
    """Of two equal candidates either may be called the best, so twice 5 % are nominal there."""
    wrong = benchmark.rates(noise, repeats, 1_500)
    assert wrong["p < 0.05"] <= 1.3 * 0.05
    assert wrong["p < 0.1"] <= 1.3 * 0.1
    assert wrong["best"] <= 1.3 * 0.1
    if repeats > 2:  # two repeats are judged too carefully where users matter more
        assert wrong["p < 0.1"] >= 0.07


def test_a_difference_of_four_standard_errors_is_found_with_five_repeats(
    benchmark: ModuleType,
) -> None:
    seeds = benchmark.rates("seeds", 5, 300, gap=4.0)
    users = benchmark.rates("users", 5, 300, gap=4.0)
    assert min(seeds["p < 0.05"], seeds["best"]) >= 0.8
    assert min(users["p < 0.01"], users["best"]) >= 0.8
    for noise in ("40 long-tailed users", "100 long-tailed users"):
        found = benchmark.rates(noise, 5, 300, gap=4.0)
        assert min(found["p < 0.01"], found["best"]) >= 0.8
    # Five values cannot show more at 1 %: a t-test of them has a power of 0.58.
    assert 0.5 <= seeds["p < 0.01"] <= 0.66
