"""The sampler that varies the best trials."""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Callable
from functools import partial
from typing import Any

import optuna
import pytest
from optuna.distributions import (
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.trial import FrozenTrial, TrialState, create_trial

from search.config.study import StudyConfig
from search.samplers.factory import make_sampler
from search.samplers.history_view import Seen
from search.space.distributions import SpaceAdapter
from search.space.hypermodel import declare, parameters
from search.space.parameters import Condition, Parameter, dividing_choice
from search.storage.trial_attributes import Key

ALWAYS = {"local_share": 1.0, "local_sweep": 0.0, "n_startup_trials": 0}
EIGHT: dict[str, Any] = {
    **{f"x{n}": FloatDistribution(0.0, 1.0) for n in range(3)},
    "rate": FloatDistribution(1e-4, 1e-1, log=True),
    "dropped": FloatDistribution(0.0, 0.75, step=0.25),
    "width": IntDistribution(4, 64, log=True),
    "even": IntDistribution(2, 10, step=2),
    "kind": CategoricalDistribution(("a", "b", "c")),
}
TWO = {name: EIGHT[name] for name in ("x0", "x1")}
MIDDLE = {
    "x0": 0.5, "x1": 0.5, "x2": 0.5, "rate": 1e-2, "dropped": 0.5, "width": 16, "even": 6,
    "kind": "b",
}  # fmt: skip


def _told(value: float | None, params: dict | None = None, **kept: Any) -> FrozenTrial:
    params = params or MIDDLE
    distributions = {name: EIGHT[name] for name in params}
    return create_trial(value=value, params=params, distributions=distributions, **kept)


def _study(options: dict | None = None, seed: int = 1, **made: Any) -> optuna.Study:
    sampler = make_sampler("local", seed, options=ALWAYS | (options or {}))
    return optuna.create_study(sampler=sampler, **made)


def _tried(study: optuna.Study, adapter: SpaceAdapter, value: float, values: dict) -> None:
    """A trial of given values that came to its end."""
    study.enqueue_trial(adapter.encode_given(values))
    adapter.sample(trial := study.ask())
    study.tell(trial, value)


def _proposed(study: optuna.Study, count: int) -> list[dict]:
    """What that many trials, none of which ends, are asked to try."""
    return [dict(study.ask(EIGHT).params) for _ in range(count)]


def test_a_proposal_is_the_parent_with_one_to_a_few_parameters_changed() -> None:
    study = _study()
    study.add_trial(_told(1.0))
    changed = []
    for params in _proposed(study, 200):
        assert all(EIGHT[n]._contains(EIGHT[n].to_internal_repr(v)) for n, v in params.items())
        changed.append({name for name in params if params[name] != MIDDLE[name]})
    assert min(map(len, changed)) == 1
    # Two of eight, each with a probability of 1/4, and one where it would be none: 2 + 0.75 ** 8.
    assert statistics.mean(map(len, changed)) == pytest.approx(2.1, abs=0.25)
    assert all(30 <= sum(name in each for each in changed) <= 80 for name in EIGHT)


def test_steps_are_a_share_of_the_range_and_of_the_logarithm_where_that_is_searched() -> None:
    study = _study()
    study.add_trial(_told(1.0))
    drawn = _proposed(study, 400)
    steps = [p["x0"] - 0.5 for p in drawn if p["x0"] != 0.5]
    assert statistics.stdev(steps) == pytest.approx(0.15, abs=0.03)
    # From 1e-4 to 1e-1 is three times log 10: 0.45 of log 10 a step.
    factors = [p["rate"] / 1e-2 for p in drawn if p["rate"] != 1e-2]
    inside = [f for f in factors if f < 10]  # the upper end is only one log 10 away
    assert statistics.median(max(f, 1 / f) for f in inside) == pytest.approx(10**0.3, rel=0.2)
    assert {0.25, 0.5, 0.75} <= {p["dropped"] for p in drawn}
    assert [p["dropped"] for p in drawn].count(0.0) <= 3  # 3.3 deviations away
    assert {4, 6, 8} <= {p["even"] for p in drawn} <= {2, 4, 6, 8, 10}
    assert {p["kind"] for p in drawn} == {"a", "b", "c"}


@pytest.mark.parametrize("direction", ["minimize", "maximize"])
def test_the_three_best_complete_trials_are_parents_the_best_half_of_the_time(
    direction: str,
) -> None:
    sign = 1.0 if direction == "minimize" else -1.0
    study = _study(direction=direction)
    starts = {0.1: 5.0, 0.2: 1.0, 0.3: 4.0, 0.4: 2.0, 0.5: 3.0}  # best: 0.2, 0.4, 0.5
    for x, value in starts.items():
        study.add_trial(_told(sign * value, {"x0": x, "x1": 0.5}))
    pruned = _told(None, {"x0": 0.9, "x1": 0.5}, state=TrialState.PRUNED)
    study.add_trial(pruned)
    beyond = {Key.OUTCOME: {"beyond": True}}
    study.add_trial(_told(sign * 0.5, {"x0": 0.95, "x1": 0.5}, user_attrs=beyond))
    asked = [study.ask(TWO).params for _ in range(900)]
    kept = [p["x0"] for p in asked if p["x0"] in (*starts, 0.9, 0.95)]
    counts = {x: kept.count(x) / len(kept) for x in (*starts, 0.9, 0.95)}
    assert counts[0.2] == pytest.approx(0.5, abs=0.1)
    assert counts[0.4] == pytest.approx(0.25, abs=0.1)
    assert counts[0.5] == pytest.approx(0.25, abs=0.1)


def _random_trials(value: Callable[[dict], float]) -> list[FrozenTrial]:
    source = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    asked = [source.ask(EIGHT).params for _ in range(40)]
    return [_told(value(params), params) for params in asked]


@pytest.mark.parametrize("direction", ["minimize", "maximize"])
def test_of_several_variations_the_most_promising_is_proposed(direction: str) -> None:
    sign = 1.0 if direction == "minimize" else -1.0

    def value(params: dict) -> float:
        return sign * (abs(params["x0"] - 0.5) + abs(params["x1"] - 0.2) + (params["kind"] != "c"))

    reached = {}
    for count in (1, 16):
        study = _study({"local_candidates": count}, direction=direction)
        study.add_trials(_random_trials(value))
        reached[count] = statistics.mean(sign * value(p) for p in _proposed(study, 60))
    assert reached[16] < 0.8 * reached[1]


def test_a_variation_that_was_tried_is_proposed_only_where_no_other_was_drawn() -> None:
    space = {name: EIGHT[name] for name in ("kind", "even", "dropped")}  # 60 configurations
    every = list(itertools.product("abc", range(2, 12, 2), (0.0, 0.25, 0.5, 0.75)))
    tried = set(every[:50])
    again = {}
    for count in (1, 64):
        study = _study({"local_candidates": count})
        for number, (kind, even, dropped) in enumerate(every[:50]):
            params = {"kind": kind, "even": even, "dropped": dropped}
            study.add_trial(_told(float(50 - number), params))
        asked = [study.ask(space).params for _ in range(40)]
        again[count] = sum((p["kind"], p["even"], p["dropped"]) in tried for p in asked)
    assert again[1] > 20
    assert again[64] < 4


def test_a_sweep_changes_one_choice_of_the_best_trial_to_what_was_not_tried_near_it() -> None:
    space: dict[str, Any] = {
        **{f"k{n}": CategoricalDistribution(("a", "b", "c")) for n in range(2)},
        **{f"x{n}": FloatDistribution(0.0, 1.0) for n in range(4)},
    }
    best = {"k0": "a", "k1": "a", **{f"x{n}": 0.5 for n in range(4)}}
    study = _study({"local_sweep": 1.0})

    def tell(value: float, **changed: Any) -> None:
        params = best | changed
        study.add_trial(create_trial(value=value, params=params, distributions=space))

    def proposed() -> set[tuple[str, str]]:
        found = set()
        for _ in range(30):
            trial = study.ask(space)
            study.tell(trial, state=TrialState.FAIL)
            params = trial.params
            changes = {name: value for name, value in params.items() if value != best[name]}
            assert len(changes) == 1
            found |= set(changes.items())
        return found

    tell(1.0)
    every = {("k0", "b"), ("k0", "c"), ("k1", "b"), ("k1", "c")}
    assert proposed() == every
    tell(2.0, k0="b", x0=0.1, x1=0.1)  # near: three differ
    tell(2.0, k1="c", x0=0.1, x1=0.1, x2=0.1)  # not near
    assert proposed() == every - {("k0", "b")}
    asked = [study.ask(space).params for _ in range(3)]  # three workers: each another one
    assert {(n, p[n]) for p in asked for n in p if p[n] != best[n]} == every - {("k0", "b")}
    for name, value in every:
        tell(3.0, **{name: value})
    asked = [study.ask(space).params for _ in range(40)]
    changed = {name for p in asked for name in p if p[name] != best[name]}
    assert changed > {"x0", "x1", "x2", "x3"}  # all were tried: it varies as ever


def test_what_a_kind_with_fewer_parameters_had_is_not_proposed_again() -> None:
    space = (
        Parameter(name="kind", kind="Choice", default="a", values=("a", "b")),
        Parameter(
            name="factors", kind="Int", default=8, low=1, high=64,
            conditions=(Condition(name="kind", values=("b",)),),
        ),
    )  # fmt: skip
    adapter = SpaceAdapter(space)
    study = optuna.create_study(sampler=make_sampler("local", 1, space=space, options=ALWAYS))
    for value, given in [(9.0, {"kind": "a"})] + [
        (float(abs(n - 30)), {"kind": "b", "factors": n}) for n in range(6, 61, 6)
    ]:
        _tried(study, adapter, value, given)
    for _ in range(30):
        tried = adapter.sample(trial := study.ask())
        assert tried["kind"] == "b"
        study.tell(trial, state=TrialState.FAIL)


@pytest.mark.parametrize(("cost", "cheapest"), [(0.0, False), (1.0, True)])
def test_where_time_is_limited_a_variation_that_takes_longer_must_be_better(
    cost: float, cheapest: bool
) -> None:
    """Values fall with x, and the time rises a thousand times: with `cost` the least x is taken."""
    space = (
        Parameter(name="x", kind="Float", default=0.5, low=0.0, high=1.0),
        Parameter(name="y", kind="Float", default=0.5, low=0.0, high=1.0),
    )
    options = ALWAYS | {"local_candidates": 40, "local_cost": cost}
    seen = Seen(seconds=lambda values: float(1000 ** values["x"]))
    sampler = make_sampler("local", 1, space=space, options=options, seen=seen)
    study = optuna.create_study(sampler=sampler)
    adapter = SpaceAdapter(space)
    for number in range(12):
        _tried(study, adapter, -number / 12, {"x": number / 12, "y": number / 12})
    proposed = [adapter.sample(study.ask())["x"] for _ in range(12)]
    assert (statistics.median(proposed) < 0.7) == cheapest


def test_optimizers_come_before_all_else_for_the_best_of_two_kinds() -> None:
    """A trial of kind b has a parameter that one of a lacks, and is the worse one."""
    kinds = (
        Parameter(name="kind", kind="Choice", default="a", values=("a", "b")),
        Parameter(
            name="factors", kind="Int", default=8, low=1, high=64,
            conditions=(Condition(name="kind", values=("b",)),),
        ),
        *(
            Parameter(
                name=f"f{n}", kind="Float", default=0.5, low=0.0, high=1.0,
                conditions=(Condition(name="kind", values=("b",)),),
            )
            for n in range(12)
        ),
    )  # fmt: skip
    names = ("optimizer", "activation", "schedule")
    space = (
        *kinds,
        *(Parameter(name=n, kind="Choice", default="v", values=tuple("vwxyz")) for n in names),
        *(Parameter(name=f"x{n}", kind="Float", default=0.5, low=0.0, high=1.0) for n in range(9)),
    )
    adapter = SpaceAdapter(space)
    options = {"local_share": 1.0, "local_candidates": 1, "n_startup_trials": 1}
    study = optuna.create_study(sampler=make_sampler("local", 1, space=space, options=options))
    best = adapter.defaults()
    other = best | {"kind": "b", "factors": 8} | {f"f{n}": 0.5 for n in range(12)}

    tell = partial(_tried, study, adapter)

    def single(count: int) -> list[tuple[str, str, str]]:
        """Kind, choice and value of the proposals that change nothing else; none of them ends."""
        found = []
        for _ in range(count):
            tried = adapter.sample(trial := study.ask())
            study.tell(trial, state=TrialState.FAIL)
            base = other if tried["kind"] == "b" else best
            changed = [name for name in tried if tried[name] != base[name]]
            if len(changed) == 1 and changed[0] in names:
                found.append((tried["kind"], changed[0], str(tried[changed[0]])))
        return found

    tell(1.0, other)
    tell(0.0, best)
    assert set(single(30)) == {("a", "optimizer", value) for value in "wxyz"}
    assert len(single(30)) == 30
    for value in "wxyz":
        tell(2.0, best | {"optimizer": value})
    assert set(single(30)) == {("b", "optimizer", value) for value in "wxyz"}
    for value in "wxyz":
        tell(2.0, other | {"optimizer": value})
    later = single(100)
    assert 15 < len(later) < 50
    assert {("a", "activation"), ("a", "schedule")} <= {(kind, name) for kind, name, _ in later}
    for number in range(60):
        tell(3.0, best | {f"x{n}": number / 60 for n in range(9)})
    best = best | {f"x{n}": 0.99 for n in range(9)}
    tell(-1.0, best)  # far from all others, but optimizers take no turn of their own any more
    assert {"activation", "schedule"} <= {name for _, name, _ in single(100)}


FAMILIES = {"kind": EIGHT["kind"], "x0": EIGHT["x0"]}
DEPENDING = (
    Parameter(name="kind", kind="Choice", default="a", values=("a", "b", "c")),
    Parameter(
        name="x0", kind="Float", default=0.0, low=0.0, high=1.0,
        conditions=(Condition(name="kind", values=("a", "b", "c")),),
    ),
)  # fmt: skip


def _shares(trials: list[FrozenTrial], direction: str = "minimize") -> dict[float, float]:
    """How often each trial is a parent, by its `x0`."""
    sampler = make_sampler("local", 1, space=DEPENDING, options=ALWAYS)
    study = optuna.create_study(sampler=sampler, direction=direction)
    study.add_trials(trials)
    starts = [trial.params["x0"] for trial in trials]
    asked = [study.ask(FAMILIES).params["x0"] for _ in range(400)]
    kept = [x for x in asked if x in starts]
    return {x: kept.count(x) / len(kept) for x in starts if x in kept}


@pytest.mark.parametrize("direction", ["minimize", "maximize"])
def test_the_third_parent_is_the_best_of_another_kind_than_the_first_two(direction: str) -> None:
    sign = 1.0 if direction == "minimize" else -1.0
    told = [
        _told(sign * value, {"kind": kind, "x0": x})
        for x, kind, value in [
            (0.1, "a", 1), (0.2, "a", 2), (0.3, "a", 3), (0.4, "b", 5), (0.5, "c", 4),
        ]
    ]  # fmt: skip
    expected = {0.1: 0.5, 0.2: 0.25, 0.5: 0.25}
    assert _shares(told, direction) == pytest.approx(expected, abs=0.08)


def test_the_third_parent_is_the_third_best_where_the_first_two_differ_or_all_are_alike() -> None:
    def told(*kinds: str) -> list[FrozenTrial]:
        return [
            _told(float(n), {"kind": kind, "x0": n / 10}) for n, kind in enumerate(kinds, start=1)
        ]

    expected = {0.1: 0.5, 0.2: 0.25, 0.3: 0.25}
    assert _shares(told("a", "b", "a", "c")) == pytest.approx(expected, abs=0.08)
    assert _shares(told("a", "a", "a", "a")) == pytest.approx(expected, abs=0.08)


def test_a_pruned_trial_is_a_parent_of_another_kind_with_the_best_value_that_it_had() -> None:
    pruned = {
        x: _told(None, {"kind": "b", "x0": x}, state=TrialState.PRUNED, intermediate_values=values)
        for x, values in {0.3: {1: 9.0, 2: 7.0}, 0.4: {1: 8.0, 2: 6.0}, 0.5: {}}.items()
    }
    told = [_told(float(n), {"kind": "a", "x0": n / 10}) for n in (1, 2)]
    late = _told(6.5, {"kind": "b", "x0": 0.6})
    expected = {0.1: 0.5, 0.2: 0.25, 0.4: 0.25}
    assert _shares([*told, *pruned.values(), late]) == pytest.approx(expected, abs=0.08)


def test_what_divides_a_space_is_the_choice_that_half_of_its_parameters_depend_on() -> None:
    def parameter(name: str, *parents: str, kind: Any = "Choice") -> Parameter:
        conditions = tuple(Condition(name=parent, values=("a",)) for parent in parents)
        return Parameter(
            name=name, kind=kind, default="a", values=("a", "b"), conditions=conditions
        )

    family, depth = parameter("family"), parameter("depth", "family")
    widths = [parameter(f"width_{n}", "family", "depth") for n in range(2)]
    apart = [parameter(f"rate_{n}") for n in range(2)]
    fixed = [parameter(f"fixed_{n}", kind="Fixed") for n in range(9)]
    # Of the six that are searched, three depend on `family` and two on `depth`.
    assert dividing_choice([family, depth, *widths, *apart, *fixed]) == family
    assert dividing_choice([family, depth, *widths, *apart, parameter("rate_2")]) is None
    assert dividing_choice([]) is None
    whole = parameters(declare(StudyConfig()))
    assert dividing_choice(whole).name == "family"
    narrow = parameters(declare(StudyConfig(space={"family": "gmf"})))
    assert dividing_choice(narrow) is None


def test_with_several_goals_a_parent_is_a_trial_of_the_frontier() -> None:
    study = _study(directions=["minimize", "minimize"])
    for x, values in {0.1: (1, 3), 0.2: (2, 2), 0.3: (3, 1), 0.4: (3, 3), 0.6: (2, 4)}.items():
        study.add_trial(_told(None, {"x0": x, "x1": 0.5}, values=values))
    asked = {study.ask(TWO).params["x0"] for _ in range(100)}
    assert {0.1, 0.2, 0.3} <= asked
    assert not asked & {0.4, 0.6}


def test_what_the_parent_did_not_have_is_drawn_and_what_it_had_alone_is_not_asked() -> None:
    space = (
        Parameter(name="family", kind="Choice", default="a", values=("a", "b")),
        Parameter(
            name="depth", kind="Int", default=1, low=1, high=9,
            conditions=(Condition(name="family", values=("b",)),),
        ),
        Parameter(name="rate", kind="Float", default=0.2, low=0.0, high=0.5),
    )  # fmt: skip
    adapter = SpaceAdapter(space)
    study = optuna.create_study(sampler=make_sampler("local", 1, space=space, options=ALWAYS))
    study.enqueue_trial(adapter.encode({"family": "a", "rate": 0.2}))
    first = study.ask()
    adapter.sample(first)
    study.tell(first, 1.0)
    drawn = [adapter.sample(study.ask()) for _ in range(60)]
    assert all("depth" not in each for each in drawn if each["family"] == "a")
    assert len({each["depth"] for each in drawn if each["family"] == "b"}) >= 6
    assert any(each["family"] == "b" and each["rate"] == 0.2 for each in drawn)


def test_a_value_that_the_space_no_longer_holds_is_drawn_anew() -> None:
    study = _study()
    study.add_trial(_told(1.0))
    narrow = {"x0": FloatDistribution(0.6, 0.7), "kind": CategoricalDistribution(("c", "d"))}
    for _ in range(20):
        params = study.ask(narrow).params
        assert 0.6 <= params["x0"] <= 0.7
        assert params["kind"] in ("c", "d")


def test_a_parameter_of_one_value_stays_and_a_space_of_nothing_else_is_asked_all_the_same() -> None:
    single = {"only": CategoricalDistribution(("a",)), "one": IntDistribution(3, 3)}
    study = _study()
    study.add_trial(create_trial(value=1.0, params={"only": "a", "one": 3}, distributions=single))
    assert study.ask(single).params == {"only": "a", "one": 3}


def test_before_the_start_is_over_and_for_the_rest_the_other_sampler_is_asked() -> None:
    """Without a share it proposes what TPE does; before enough trials, uniform draws."""
    plain = optuna.create_study(sampler=make_sampler("tpe", 1, options={"n_startup_trials": 4}))
    never = _study({"local_share": 0.0, "n_startup_trials": 4})
    early = _study({"n_startup_trials": 4})
    for study in (plain, never, early):
        for number in range(6):
            trial = study.ask(EIGHT)
            study.tell(trial, trial.params["x0"] + number)
    assert [t.params for t in never.trials] == [t.params for t in plain.trials]
    assert [t.params for t in early.trials[:4]] == [t.params for t in plain.trials[:4]]
    best = early.trials[0].params
    assert sum(early.trials[4].params[name] != best[name] for name in EIGHT) < 8


def _wide(trial: optuna.Trial) -> float:
    """Twelve parameters, each of which matters; the least value is 0."""
    kinds = [trial.suggest_categorical(f"k{n}", ("a", "b", "c", "d")) for n in range(4)]
    squares = [(trial.suggest_float(f"x{n}", 0, 1) - 0.7) ** 2 for n in range(8)]
    return sum(squares) + 0.2 * sum(kind != "c" for kind in kinds)


@pytest.mark.slow
def test_it_finds_far_more_than_random_draws_do_where_there_are_many_parameters() -> None:
    found = {}
    for name in ("local", "random"):
        best = []
        for seed in range(3):
            study = optuna.create_study(sampler=make_sampler(name, seed))
            study.optimize(_wide, n_trials=50)
            best.append(study.best_value)
        found[name] = statistics.median(best)
    assert found["local"] < 0.5 * found["random"]
