"""What the chaos tests demand of the stores: a lost or changed configuration is seen."""

from __future__ import annotations

from typing import Any

import optuna
import pytest
from optuna.distributions import FloatDistribution
from optuna.trial import FrozenTrial, TrialState
from stores import lost_configurations


def _trial(number: int, state: TrialState, rate: float, **attributes: Any) -> FrozenTrial:
    made = optuna.create_trial(
        state=state,
        value=1.0 if state == TrialState.COMPLETE else None,
        params={"rate": rate},
        distributions={"rate": FloatDistribution(0, 1)},
        user_attrs={f"trialbook:{key}": value for key, value in attributes.items()},
    )
    made.number = number
    return made


def _queued(number: int, rate: float, **attributes: Any) -> FrozenTrial:
    made = optuna.create_trial(
        state=TrialState.WAITING,
        system_attrs={"fixed_params": {"rate": rate}},
        user_attrs={f"trialbook:{key}": value for key, value in attributes.items()},
    )
    made.number = number
    return made


KILLED = _trial(0, TrialState.FAIL, 0.25, slot=0, recipe="gmf")


@pytest.mark.parametrize("state", [TrialState.COMPLETE, TrialState.WAITING])
def test_a_killed_trial_that_is_tried_again_is_not_lost(state: TrialState) -> None:
    make = _queued if state == TrialState.WAITING else lambda n, r, **a: _trial(n, state, r, **a)
    again = _trial(1, TrialState.FAIL, 0.25, slot=0, recipe="gmf", retry_of=0)
    last = make(2, 0.25, slot=0, recipe="gmf", retry_of=1)
    assert lost_configurations([KILLED, again, last]) == []


def test_a_killed_trial_that_nobody_tries_again_is_lost() -> None:
    other = _trial(1, TrialState.COMPLETE, 0.25, slot=0, recipe="gmf")
    assert lost_configurations([KILLED, other]) == ["trial 0 (killed) is tried again 0 times"]


def test_a_killed_trial_that_is_tried_again_twice_is_told() -> None:
    twice = [_trial(n, TrialState.COMPLETE, 0.25, slot=0, recipe="gmf", retry_of=0) for n in (1, 2)]
    assert lost_configurations([KILLED, *twice]) == ["trial 0 (killed) is tried again 2 times"]


def test_a_retry_with_another_configuration_is_told() -> None:
    pair = "trial 0 (killed) and trial 1, which stands for it, differ in"
    other = _trial(1, TrialState.COMPLETE, 0.5, slot=0, recipe="gmf", retry_of=0)
    assert lost_configurations([KILLED, other]) == [f"{pair} rate: 0.25 and 0.5"]
    queued = _queued(1, 0.25, slot=0, retry_of=0)
    assert lost_configurations([KILLED, queued]) == [f"{pair} recipe"]


def test_a_trial_that_failed_by_itself_is_finished() -> None:
    failed = _trial(0, TrialState.FAIL, 0.25, slot=0, outcome={"state": "failed"})
    assert lost_configurations([failed]) == []
