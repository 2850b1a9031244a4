"""What samplers and pruners are shown instead of a study and a storage."""

from __future__ import annotations

import optuna
import pytest
from optuna.trial import TrialState

from search.storage.views import StorageView, from_step, view_of, with_value_at


def _study(*values: float, direction: str = "minimize") -> optuna.Study:
    study = optuna.create_study(study_name="viewed", direction=direction)
    for value in values:
        study.tell(study.ask(), value)
    return study


def test_a_view_shows_the_given_trials_and_all_else_of_the_study() -> None:
    study = _study(3.0, 1.0, 2.0)
    view = view_of(study, lambda: study.trials[1:])
    assert [trial.number for trial in view.get_trials()] == [1, 2]
    assert [trial.number for trial in view._get_trials()] == [1, 2]  # which samplers call
    assert view.study_name == "viewed"
    assert view.direction == study.direction
    assert view._storage is study._storage
    assert len(study.get_trials()) == 3


def test_a_view_shows_trials_of_the_states_that_are_asked_for() -> None:
    study = _study(3.0)
    study.ask()
    view = view_of(study, lambda: study.trials)
    shown = view.get_trials(states=(TrialState.RUNNING,))
    assert [trial.number for trial in shown] == [1]


def test_the_trials_of_a_view_are_copies_unless_it_is_said_otherwise() -> None:
    study = _study(3.0)
    trials = study.trials
    view = view_of(study, lambda: trials)
    assert view.get_trials()[0] is not trials[0]
    assert view.get_trials(deepcopy=False)[0] is trials[0]


def test_what_is_shown_is_asked_for_each_time() -> None:
    study = _study(3.0)
    view = view_of(study, lambda: study.trials)
    study.tell(study.ask(), 4.0)
    assert len(view.get_trials()) == 2


@pytest.mark.parametrize(("direction", "best"), [("minimize", 2), ("maximize", 1)])
def test_the_best_trial_of_a_view_is_of_those_it_shows(direction: str, best: int) -> None:
    study = _study(9.0, 5.0, 4.0, 4.0, 0.0, direction=direction)
    assert view_of(study, lambda: study.trials[1:4]).best_trial.number == best


def test_a_view_without_a_complete_trial_has_no_best_one() -> None:
    study = _study(3.0)
    with pytest.raises(ValueError, match="empty"):
        _ = view_of(study, list).best_trial


def test_a_view_may_stand_before_another_storage() -> None:
    study = _study(3.0)
    view = view_of(study, lambda: study.trials, StorageView(study._storage, get_trial=str))
    assert view._storage.get_trial(7) == "7"
    assert view._storage.get_study_name_from_id(study._study_id) == "viewed"
    assert study._storage.get_trial(0).value == 3.0


def test_a_trial_with_another_value_at_a_step_is_a_copy() -> None:
    trial = optuna.trial.create_trial(value=1.0, intermediate_values={1: 0.5, 2: 0.4})
    assert with_value_at(trial, 3, 0.3).intermediate_values == {1: 0.5, 2: 0.4, 3: 0.3}
    assert with_value_at(trial, 2, 0.3).intermediate_values == {1: 0.5, 2: 0.3}
    assert trial.intermediate_values == {1: 0.5, 2: 0.4}


def test_a_trial_from_a_step_on_is_a_copy() -> None:
    trial = optuna.trial.create_trial(value=1.0, intermediate_values={1: 0.5, 2: 0.4, 3: 0.3})
    assert from_step(trial, 2).intermediate_values == {2: 0.4, 3: 0.3}
    assert len(trial.intermediate_values) == 3
