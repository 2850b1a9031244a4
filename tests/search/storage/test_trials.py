"""Which earlier trial of a study had the same configuration."""

from __future__ import annotations

from typing import Any

import optuna
import pytest
from optuna.trial import TrialState, create_trial

from search.storage.trial_attributes import Key
from search.storage.trials import same_before
from search.storage.views import snapshot_of

MANY = 200  # so that most of them are gone through once, and not for each snapshot


def _add(
    study: optuna.Study, values: dict[str, Any] | None, state: TrialState = TrialState.COMPLETE
) -> None:
    own = {} if values is None else {Key.PLAN.value: {"values": values}}
    value = 1.0 if state == TrialState.COMPLETE else None
    study.add_trial(create_trial(state=state, value=value, user_attrs=own))


def _same(study: optuna.Study, before: int, values: dict[str, Any], since: int = 0) -> int | None:
    found = same_before(snapshot_of(study), before, values, since)
    plain = same_before(study, before, values, since)
    assert (found and found.number) == (plain and plain.number)
    return None if found is None else found.number


def test_the_first_earlier_trial_with_equal_values_is_found_among_many() -> None:
    study = optuna.create_study()
    for number in range(MANY):
        _add(study, {"size": number % 90, "name": "relu"})
    assert _same(study, MANY, {"name": "relu", "size": 5}) == 5
    assert _same(study, MANY, {"name": "relu", "size": 5.0}) == 5  # as Python compares them
    assert _same(study, MANY, {"name": "relu", "size": 5}, since=6) == 95
    assert _same(study, 95, {"name": "relu", "size": 5}, since=6) is None
    assert _same(study, MANY, {"size": 5}) is None
    assert _same(study, MANY, {"name": "relu", "size": 90}) is None
    _add(study, {"size": 90, "name": "relu"})
    assert _same(study, MANY + 1, {"name": "relu", "size": 90}) == MANY
    assert _same(study, MANY + 1, {}) is None


@pytest.mark.parametrize("first", [0, MANY])
def test_only_trials_with_a_value_of_their_own_count(first: int) -> None:
    study = optuna.create_study()
    for number in range(first):
        _add(study, {"size": number})
    values = {"size": -1}
    _add(study, values, TrialState.FAIL)
    _add(study, values, TrialState.RUNNING)
    _add(study, None)
    assert _same(study, first + 3, values) is None
    _add(study, values, TrialState.PRUNED)
    assert _same(study, first + 4, values) == first + 3


def test_values_without_a_hash_are_compared_too() -> None:
    study = optuna.create_study()
    _add(study, {"units": [64, 32]})
    _add(study, {"units": [32]})
    assert _same(study, 2, {"units": [32]}) == 1
    assert _same(study, 2, {"units": [16]}) is None
