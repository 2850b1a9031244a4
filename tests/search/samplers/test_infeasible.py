"""What a sampler makes of trials that exceed a limit, in its own study and in an earlier one."""

from __future__ import annotations

import math
from typing import Any

import optuna
import pytest
from optuna.trial import FrozenTrial, TrialState

from search import StudyConfig
from search.config.limits import Limits
from search.samplers.factory import make_sampler
from search.samplers.history_view import Seen, with_history
from search.samplers.infeasible import is_infeasible
from search.space.distributions import SpaceAdapter
from search.space.hypermodel import declare, parameters
from search.space.parameters import Parameter
from search.storage.new_attributes import attributes_of_earlier
from search.storage.study_attributes import write_config
from search.study.frozen import frozen_trials

UNITS = Parameter(name="units", kind="Int", default=512, low=1, high=4096, log=True)
X = Parameter(name="x", kind="Float", default=0.5, low=0.0, high=1.0)
SPACE = (UNITS, X)
MOST = 300


def _value(units: int) -> float:
    """The larger the better: what a limit keeps out is what would be best."""
    return 2 - math.log10(units)


def _earlier(units: int) -> dict[str, Any]:
    value = _value(units)
    return {
        "values": {"units": units, "x": 0.5},
        "goals": [value],
        "value": value,
        "epochs": 5,
        "figures": {"parameters": 10 * units, "seconds_train": 1.0},
    }


@pytest.mark.parametrize("sampler", ["local", "tpe"])
def test_a_study_with_a_limit_trains_within_it_though_its_history_is_beyond(sampler: str) -> None:
    """Of 40 configurations of the earlier study all are beyond the new limit of 30 units."""
    history = frozen_trials(
        [_earlier(60 + 100 * number) for number in range(40)],
        SPACE,
        limits=Limits(parameters=MOST),
    )
    study = optuna.create_study(sampler=make_sampler(sampler, 1, space=SPACE, seen=Seen(history)))
    write_config(study, StudyConfig(max_parameters=MOST))
    within = []
    for _ in range(50):
        trial = study.ask()
        units = int(SpaceAdapter(SPACE).sample(trial)["units"])
        parameters = 10 * units
        beyond = parameters > MOST
        for key, given in attributes_of_earlier({"parameters": parameters}, beyond=beyond).items():
            trial.set_user_attr(key, given)
        within.append(not beyond)
        value = None if beyond else _value(units)
        study.tell(trial, value, state=TrialState.PRUNED if beyond else TrialState.COMPLETE)
    assert sum(within) >= 20
    assert sum(within[-20:]) >= 10


@pytest.mark.parametrize("sampler", ["local", "tpe"])
def test_where_all_known_trials_are_beyond_a_limit_no_family_is_left_out(sampler: str) -> None:
    """The history has no `gmf`, the family with the smallest models."""
    space = parameters(declare(StudyConfig()))
    draws = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=5))
    drawn = [SpaceAdapter(space).sample(draws.ask()) for _ in range(30)]
    earlier = [
        _earlier(31 + number) | {"values": values}
        for number, values in enumerate(v for v in drawn if v["family"] != "gmf")
    ]
    history = frozen_trials(earlier[:8], space, limits=Limits(parameters=MOST))
    study = optuna.create_study(sampler=make_sampler(sampler, 1, space=space, seen=Seen(history)))
    write_config(study, StudyConfig(max_parameters=MOST))
    tried = []
    for _ in range(24):
        trial = study.ask()
        tried.append(SpaceAdapter(space).sample(trial)["family"])
        for key, given in attributes_of_earlier({"parameters": MOST + 9}, beyond=True).items():
            trial.set_user_attr(key, given)
        study.tell(trial, None, state=TrialState.PRUNED)
    assert tried.count("gmf") >= 4


def _trial(value: float | None, parameters: int) -> FrozenTrial:
    return optuna.create_trial(
        value=value,
        state=TrialState.PRUNED if value is None else TrialState.COMPLETE,
        user_attrs=attributes_of_earlier({"parameters": parameters}, beyond=parameters > MOST),
    )


def test_a_trial_beyond_a_limit_is_shown_with_the_worst_value_and_how_far_it_is_beyond() -> None:
    study = optuna.create_study()
    write_config(study, StudyConfig(max_parameters=MOST))
    for each in (_trial(0.9, 200), _trial(0.5, 450), _trial(None, 600), _trial(0.8, 300)):
        study.add_trial(each)
    shown = with_history(study, Seen()).get_trials()
    assert [t.value for t in shown] == [0.9, 0.9, 0.9, 0.8]
    assert [t.state.name for t in shown] == ["COMPLETE"] * 4
    assert [t.constraints["limit"] for t in shown] == [0.0, 0.5, 1.0, 0.0]
    assert [is_infeasible(t) for t in shown] == [False, True, True, False]
    assert study.trials[1].value == 0.5  # as it is stored


def test_a_study_without_such_trials_is_shown_as_it_is() -> None:
    study = optuna.create_study()
    study.add_trial(_trial(0.9, 200))
    (shown,) = with_history(study, Seen()).get_trials()
    assert shown.constraints == {}


def test_of_several_goals_each_has_its_own_worst_value() -> None:
    study = optuna.create_study(directions=["minimize", "maximize"])
    for values in ([1.0, 5.0], [2.0, 7.0]):
        study.add_trial(optuna.create_trial(values=values))
    refused = attributes_of_earlier({"parameters": 400}, beyond=True)
    study.add_trial(optuna.create_trial(state=TrialState.PRUNED, user_attrs=refused))
    assert with_history(study, Seen()).get_trials()[2].values == [2.0, 5.0]
