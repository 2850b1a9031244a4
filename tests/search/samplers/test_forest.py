"""The forest that says which of several configurations is worth a trial."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import FrozenTrial, create_trial

from search.samplers.forest import most_promising

SPACE: dict[str, Any] = {
    "kind": CategoricalDistribution(("a", "b", "c")),
    "x": FloatDistribution(0.0, 1.0),
    "rate": FloatDistribution(1e-4, 1e-1, log=True),
    "depth": IntDistribution(1, 5),
}
PLACES = {"x": 0.5, "rate": 1e-2, "depth": 3, "kind": "a"}


def _trials(count: int = 40) -> list[FrozenTrial]:
    """Random ones; those of kind "c" have no depth."""
    random = np.random.default_rng(0)
    made = []
    for _ in range(count):
        params = {
            "kind": str(random.choice(["a", "b", "c"])),
            "x": float(random.uniform()),
            "rate": float(10 ** random.uniform(-4, -1)),
            "depth": int(random.integers(1, 6)),
        }
        if params["kind"] == "c":
            del params["depth"]
        distributions = {name: SPACE[name] for name in params}
        made.append(create_trial(value=0.0, params=params, distributions=distributions))
    return made


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    ("value", "candidates", "best"),
    [
        (lambda p: float(p["kind"] != "b"), [{"kind": "a"}, {"kind": "b"}, {"kind": "c"}], 1),
        (lambda p: p["x"], [{"x": 0.9}, {"x": 0.5}, {"x": 0.02}], 2),
        (lambda p: abs(np.log10(p["rate"]) + 3), [{"rate": 1e-3}, {"rate": 5e-2}], 0),
        (lambda p: p.get("depth", 9), [{"depth": 5}, {"depth": 1}, {"depth": None}], 1),
    ],
)
def test_the_candidate_is_chosen_that_what_was_tried_speaks_for(
    value: Any, candidates: list[dict], best: int, seed: int
) -> None:
    trials = _trials()
    values = [value(trial.params) for trial in trials]
    asked = [PLACES | candidate for candidate in candidates]
    assert most_promising(trials, values, asked, seed) == best


def test_dues_move_the_choice() -> None:
    """The second is worse by far less than what the first one owes, then by far more."""
    trials = _trials()
    values = [trial.params["x"] for trial in trials]
    asked = [PLACES | {"x": 0.05}, PLACES | {"x": 0.3}]
    assert most_promising(trials, values, asked, 0) == 0
    assert most_promising(trials, values, asked, 0, [1.0, 0.0]) == 1
    assert most_promising(trials, values, asked, 0, [0.01, 0.0]) == 0


def test_what_no_trial_is_near_is_preferred_to_what_is_known_to_be_poor() -> None:
    trials = [
        create_trial(value=0.0, params={"x": x}, distributions={"x": SPACE["x"]})
        for x in (0.1, 0.11, 0.12, 0.5, 0.51, 0.9, 0.91, 0.92)
    ]
    values = [5.0, 5.0, 5.0, 1.0, 2.0, 5.0, 5.0, 5.0]
    assert most_promising(trials, values, [{"x": 0.1}, {"x": 0.7}, {"x": 0.92}], 0) == 1


def test_only_the_latest_trials_are_learnt_from() -> None:
    trials = _trials(330)
    values = [trial.params["x"] for trial in trials]
    values[:30] = [-trial.params["x"] - 100 for trial in trials[:30]]  # the other way round
    asked = [PLACES | {"x": x} for x in (0.98, 0.02)]
    assert most_promising(trials, values, asked, 0) == 1
    assert most_promising(trials[:30], values[:30], asked, 0) == 0
