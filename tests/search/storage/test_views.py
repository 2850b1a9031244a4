"""What samplers and pruners are shown instead of a study and a storage."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.trial import TrialState, create_trial

from search.storage import views
from search.storage.queue import not_queued_again
from search.storage.reading.trials import PlainStorage
from search.storage.slots import given_slots, next_slot
from search.storage.trials import (
    best_of,
    beyond_in_a_row,
    failed_alike,
    finished,
    reached,
    tally_of,
    under_way_or_done,
)
from search.storage.views import (
    StorageView,
    from_step,
    snapshot_of,
    view_of,
    with_value_at,
)


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


FOUND: list[Callable[[optuna.Study], Any]] = [
    tally_of, finished, under_way_or_done, best_of, next_slot, given_slots, beyond_in_a_row,
    not_queued_again, lambda study: reached(study, 0.3), lambda study: reached(study, 0.0),
    *(lambda study, since=since: failed_alike(study, since, 2) for since in (0, 5, 30)),
]  # fmt: skip


def _end(study: optuna.Study, trial: optuna.Trial, draw: random.Random) -> None:
    """Have a trial end in one of the ways there are."""
    how = draw.choice(["complete", "complete", "failed", "killed", "infeasible", "pruned"])
    outcome: dict[str, Any] = {"state": how if how in ("failed", "killed") else "complete"}
    if how == "failed":
        outcome["message"] = draw.choice(["No memory.", "No luck."])
    if how == "infeasible":
        outcome |= {"state": "pruned", "end_reason": "limit"}
    trial.set_user_attr("trialbook:outcome", outcome)
    if how == "complete":
        study.tell(trial, draw.choice([draw.random(), float("inf")]))
        return
    state = TrialState.FAIL if how in ("failed", "killed") else TrialState.PRUNED
    study.tell(trial, state=state)
    if how == "killed" and draw.random() < 0.7:
        again = {"trialbook:retry_of": trial.number, "trialbook:slot": draw.randint(0, 9)}
        study.enqueue_trial({}, user_attrs=again)


@pytest.mark.parametrize("seed", range(3))
def test_what_is_found_of_a_snapshot_is_found_of_all_trials(
    seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(views, "_ANEW", 4)
    draw = random.Random(seed)
    study = optuna.create_study(storage=PlainStorage(f"sqlite:///{tmp_path}/optuna.db"))
    other = optuna.load_study(study_name=None, storage=study._storage)
    running: list[optuna.Trial] = []
    held: list[tuple[optuna.Study, list[Any]]] = []
    for _ in range(60):
        if draw.random() < 0.1:
            study.enqueue_trial({}, user_attrs={"trialbook:given": True})
        running.append(other.ask())
        while running and draw.random() < 0.6:
            _end(other, running.pop(draw.randrange(len(running))), draw)
        seen = snapshot_of(study)
        expected = [find(other) for find in FOUND]
        if draw.random() < 0.5:  # another thread comes first with what it read later
            held.append((seen, expected))
        else:
            assert [find(seen) for find in FOUND] == expected
        assert seen.get_trials() == other.get_trials()
        under_way = (TrialState.RUNNING, TrialState.WAITING)
        assert seen.get_trials(states=under_way) == other.get_trials(states=under_way)
    for seen, expected in held:
        assert [find(seen) for find in FOUND] == expected


def test_trials_that_ended_before_are_gone_through_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(views, "_ANEW", 4)
    study = optuna.create_study(storage=PlainStorage(f"sqlite:///{tmp_path}/optuna.db"))
    study.add_trials([create_trial(value=1.0) for _ in range(50)])
    seen: list[int] = []

    def count(trials: Any) -> int:
        seen.extend(trial.number for trial in trials)
        return len(trials)

    for expected in (50, 51, 52):
        total = views.reckoned(snapshot_of(study), "n", count, lambda first, later: first + later)
        assert total == expected
        study.add_trial(create_trial(value=1.0))
    assert sorted(seen)[:44] == list(range(44))
    assert len(seen) == 50 + 7 + 8
