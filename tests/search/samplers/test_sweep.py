"""Which choices of a good trial no similar trial has tried."""

from __future__ import annotations

from typing import Any

import numpy as np
import optuna
import pytest
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution
from optuna.trial import FrozenTrial

from search.samplers.sweep import NEAR, Sweep

SPACE: dict[str, BaseDistribution] = {
    "family": CategoricalDistribution(("mlp", "gmf")),
    "optimizer": CategoricalDistribution(("adam", "sgd", "lion")),
    **{f"c{i}": CategoricalDistribution(("a", "b", "c")) for i in range(4)},
    "x": FloatDistribution(0, 1),
}


def _trial(params: dict[str, Any]) -> FrozenTrial:
    return optuna.create_trial(
        value=1.0, params=params, distributions={name: SPACE[name] for name in params}
    )


def test_a_value_that_only_a_trial_far_away_had_is_untried() -> None:
    base = {"family": "mlp", "c0": "a", "c1": "a", "c2": "a", "c3": "a", "x": 0.5}
    near = base | {"c0": "b", "x": 0.1}  # differs in two
    far = base | {"c0": "c", "c1": "b", "c2": "b", "x": 0.1}  # in four
    sweep = Sweep(kind="family", first=None)
    assert sweep.untried(_trial(base), [base, near, far], {"c0"}) == [("c0", "c")]
    # A trial of another kind counts for the kind alone.
    other = base | {"family": "gmf", "c0": "c"}
    assert sweep.untried(_trial(base), [base, other], {"c0", "family"}) == [
        ("c0", "b"),
        ("c0", "c"),
    ]


def _by_definition(
    base: FrozenTrial, known: list[dict[str, Any]], names: set[str]
) -> list[tuple[str, Any]]:
    """As the sampler looked before: every trial compared anew for every choice."""
    kind, untried = base.params.get("family"), []
    same = [params for params in known if params.get("family") == kind]
    for name, distribution in base.distributions.items():
        if name in names and isinstance(distribution, CategoricalDistribution):
            most = len(base.params) // 2 if name == "optimizer" else NEAR
            near = [
                params
                for params in (known if name == "family" else same)
                if sum(params[n] != base.params[n] for n in params.keys() & base.params) <= most
            ]
            tried = {params.get(name) for params in near}
            untried += [(name, v) for v in distribution.choices if v not in tried]
    return untried


@pytest.mark.parametrize("seed", range(20))
def test_it_finds_what_comparing_every_trial_for_every_choice_finds(seed: int) -> None:
    random = np.random.default_rng(seed)
    drawn = []
    for _ in range(40):
        params: dict[str, Any] = {
            name: d.choices[random.integers(min(2, len(d.choices)))]
            if isinstance(d, CategoricalDistribution)
            else float(random.integers(2))
            for name, d in SPACE.items()
        }
        left_out = [n for n in ("optimizer", "c0", "x") if random.random() < 0.3]
        drawn.append({n: v for n, v in params.items() if n not in left_out})
    sweep = Sweep(kind="family", first="optimizer")
    for names in ({"optimizer"}, set(SPACE), {"c0", "c1"}, {"family"}):
        base = _trial(drawn[int(random.integers(40))])
        assert sweep.untried(base, drawn, names) == _by_definition(base, drawn, names)
