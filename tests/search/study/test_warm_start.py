"""What a study learns from an earlier one."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import optuna
import pytest
from optuna.distributions import FloatDistribution
from optuna.trial import TrialState

from search import SearchError, StudyConfig, run_study
from search.config.limits import Limits
from search.samplers.factory import make_sampler
from search.samplers.history_view import Seen, with_history
from search.space.parameters import Parameter
from search.storage.studies import Studies
from search.storage.study_attributes import Key as StudyKey
from search.storage.study_attributes import write_config
from search.storage.trial_attributes import Key as TrialKey
from search.storage.trial_attributes import TrialOutcome, TrialPlan
from search.storage.trials import is_refused
from search.study.frozen import frozen_trials
from search.study.regret import RegretBound, check_regret
from search.study.warm_start import take_history
from tracking import Store

X = Parameter(name="x", kind="Float", default=0.5, low=0.0, high=1.0)


def test_the_trials_of_an_earlier_study_stand_before_its_own() -> None:
    history = frozen_trials(
        [
            {"values": {"x": 0.25}, "goals": [1.5], "value": 1.5, "epochs": 3},
            {"values": {"x": 0.75}, "goals": None, "value": 2.5, "epochs": 2},
        ],
        (X,),
    )
    study = optuna.create_study()
    study.add_trial(optuna.create_trial(value=1.0))
    seen = with_history(study, Seen(history))
    assert [t.params.get("x") for t in seen.get_trials()] == [0.25, 0.75, None]
    assert [t.state.name for t in seen.get_trials(states=(TrialState.PRUNED,))] == ["PRUNED"]
    assert history[1].intermediate_values == {2: 2.5}
    assert seen.direction == study.direction


def test_a_sampler_that_learns_proposes_where_the_earlier_study_was_good() -> None:
    """TPE, its random start passed over, goes to the good end of 40 earlier trials."""
    earlier = [
        {"values": {"x": i / 39}, "goals": [abs(i / 39 - 0.9)], "value": 0.0, "epochs": 1}
        for i in range(40)
    ]
    history = frozen_trials(earlier, (X,))
    proposals = {}
    for name, known in (("learns", history), ("does not", ())):
        study = optuna.create_study(sampler=make_sampler("tpe", 1, space=(X,), seen=Seen(known)))
        drawn = []
        for _ in range(6):
            trial = study.ask({"x": FloatDistribution(0.0, 1.0)})
            drawn.append(abs(trial.params["x"] - 0.9))
            study.tell(trial, drawn[-1])
        proposals[name] = sum(drawn) / len(drawn)
    assert proposals["learns"] < 0.15
    assert proposals["does not"] > 0.2


def _ended(x: float, value: float | None, parameters: int) -> optuna.trial.FrozenTrial:
    """A trial of an earlier study; one without a value was refused before its training."""
    outcome = TrialOutcome(
        state="pruned" if value is None else "complete",
        end_reason="limit" if value is None else "epochs",
        value=value,
        metrics={"parameters": parameters},
    )
    return optuna.create_trial(
        state=TrialState.PRUNED if value is None else TrialState.COMPLETE,
        value=value,
        user_attrs={
            TrialKey.PLAN.value: asdict(TrialPlan(values={"x": x})),
            TrialKey.OUTCOME.value: asdict(outcome),
        },
    )


def test_history_is_held_against_the_limits_of_the_new_study() -> None:
    earlier = optuna.create_study(study_name="old")
    write_config(earlier, StudyConfig(name="old", max_parameters=140))
    for trial in (_ended(0.1, 0.9, 100), _ended(0.2, 0.8, 500), _ended(0.3, None, 900)):
        earlier.add_trial(trial)
    earlier.add_trial(_ended(0.4, None, 150))  # refused then, and within the limit now
    config = StudyConfig(name="new", max_parameters=300, warm_start="old")
    history = take_history(earlier, config, (X,), None)
    assert [t["values"]["x"] for t in history.trials] == [0.1, 0.2, 0.3]
    assert [t["figures"]["parameters"] for t in history.trials] == [100, 500, 900]
    assert history.left == {"a limit of then, untrained": 1}
    assert "learns from 3 trials of old. 2 of them are beyond a limit" in history.summary()
    frozen = frozen_trials(history.trials, (X,), limits=Limits(parameters=300))
    assert [is_refused(t) for t in frozen] == [False, True, True]
    # A sampler that does not learn tries the best of them that the limit lets it train.
    queued = take_history(earlier, config.at(sampler="random"), (X,), None).queued
    assert queued == ({"x": 0.1},)


SPACE_OF = {
    "family": "gmf", "factors": [1, 2], "batch_size": "64", "output_activation": "linear",
    "output_bias": "train_mean", "optimizer": "adam", "embedding_rate": 1.0,
    "schedule": "constant", "l2_embedding": 1e-4, "l2_bias": 1e-5, "factor_dropout": 0.0,
}  # fmt: skip


@pytest.mark.slow
def test_a_widened_space_keeps_its_history_and_other_ratings_only_its_configurations(
    ratings_file: Path, tmp_path: Path
) -> None:
    usual = {
        "trials": 3, "epochs": 2, "data": str(ratings_file), "workers": 1, "pruner": "none",
        "keep_models": "none",
    }  # fmt: skip
    old = StudyConfig(name="old", **usual, space=SPACE_OF | {"learning_rate": [0.01, 0.02]})
    run_study(old, home=tmp_path)
    wider = SPACE_OF | {"learning_rate": {"min": 0.005, "max": 0.05}, "factors": [1, 2, 3]}
    more = StudyConfig(name="wider", **usual, space=wider, warm_start="old").at(trials=1)
    run_study(more, home=tmp_path)
    store = Store(tmp_path)
    study = Studies(store).get("wider")
    held = study.user_attrs[StudyKey.HISTORY]
    assert len(held["trials"]) == 2
    assert held["reason"] == ""
    assert held["left"] == {"`family` = 'mlp'": 1}
    assert study.user_attrs[StudyKey.SPACE]["version"] == 2
    assert len(study.trials) == 1
    # What the earlier study had from one before it is handed on.
    third = StudyConfig(name="third", **usual, space=wider, warm_start="wider").at(trials=1)
    run_study(third, home=tmp_path)
    assert Studies(store).get("third").user_attrs[StudyKey.HISTORY]["trials"] == held["trials"]
    # Other epochs: a value says nothing, so that the best configurations are trained again.
    longer = StudyConfig(name="longer", **usual, space=wider, warm_start="old")
    record = run_study(longer.at(epochs=3), home=tmp_path).record
    before = [t.params for t in Studies(store).get("old").trials[1:]]
    tried = [{k: t.params[k] for k in ("factors", "learning_rate")} for t in record.trials[1:]]
    assert all(each in tried for each in before)
    assert "`epochs` differs" in Studies(store).get("longer").user_attrs[StudyKey.HISTORY]["reason"]
    with pytest.raises(SearchError, match=r"must name another study, but got 'self'"):
        run_study(longer.at(name="self", warm_start="self"), home=tmp_path)


def test_a_bound_on_regret_waits_for_twenty_trials() -> None:
    study = optuna.create_study()
    for i in range(19):
        study.add_trial(
            optuna.create_trial(
                value=float(i), params={"x": i / 20}, distributions={"x": FloatDistribution(0, 1)}
            )
        )
    assert RegretBound(study, 0, ["x"]).value() is None


def test_a_regret_without_its_library_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(SearchError, match=r"needs the library torch, but it is not installed"):
        check_regret()


def test_a_flat_function_leaves_nothing_to_gain_and_a_steep_one_does() -> None:
    pytest.importorskip("torch")
    bounds = []
    for steep in (0.0, 1.0):
        study = optuna.create_study()
        for i in range(25):
            x = i / 24
            study.add_trial(
                optuna.create_trial(
                    value=steep * (x - 0.3) ** 2 + 1e-6 * i,
                    params={"x": x},
                    distributions={"x": FloatDistribution(0, 1)},
                )
            )
        bounds.append(RegretBound(study, 0, ["x"]).value())
    assert 0 <= bounds[0] < bounds[1]


def test_a_sampler_of_shared_parameters_does_not_see_what_lacks_one() -> None:
    """The baseline of a narrowed space has few of its parameters, and would hide the rest."""
    study = optuna.create_study()
    study.add_trial(optuna.create_trial(value=1.0))
    both = {"x": FloatDistribution(0, 1)}
    study.add_trial(optuna.create_trial(value=2.0, params={"x": 0.5}, distributions=both))
    assert [t.value for t in with_history(study, Seen(names=["x"])).get_trials()] == [2.0]
    sampler = make_sampler("cmaes", 1, space=(X,), options={"n_startup_trials": 1})
    study.sampler = sampler
    trial = study.ask()
    assert set(sampler.infer_relative_search_space(study, trial._cached_frozen_trial)) == {"x"}


@pytest.mark.slow
def test_a_sampler_that_does_not_learn_tries_the_best_of_before(
    ratings_file: Path, tmp_path: Path
) -> None:
    usual = {
        "epochs": 1, "data": str(ratings_file), "pruner": "none", "keep_models": "none",
        "space": SPACE_OF | {"learning_rate": 0.02},
    }  # fmt: skip
    run_study(StudyConfig(name="old", trials=2, **usual), home=tmp_path)
    study = Studies(Store(tmp_path)).get("old")
    config = StudyConfig(name="new", trials=2, sampler="random", warm_start="old", **usual)
    run_study(config, home=tmp_path)
    held = Studies(Store(tmp_path)).get("new").user_attrs[StudyKey.HISTORY]
    assert held["reason"] == "The sampler `random` does not learn from other studies"
    assert held["trials"] == []
    assert held["queued"] == [study.trials[1].user_attrs["trialbook:plan"]["values"]]
