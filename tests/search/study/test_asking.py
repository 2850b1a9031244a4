"""Asking for trials: never one too many, and each place in the study once."""

from __future__ import annotations

import itertools
import threading
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import optuna
import pytest
from optuna.trial import TrialState

from search.config.study import StudyConfig
from search.storage.claims.lease import Lease
from search.storage.claims.leases import leases_of
from search.storage.claims.owner import me
from search.storage.internals import frozen
from search.storage.queue import requeue
from search.storage.studies import Studies
from search.storage.trial_attributes import Key, given_slot, owner_of_trial, retry_of
from search.storage.views import snapshot_of
from search.study import asking as module
from search.study.asking import Asking
from tracking import Store, TrialRecord, with_driver

KILLED_RECORD = TrialRecord(study="s", number=0, params={}, state="killed")


class Place:
    """A study with a target of six trials, and what asks for them."""

    def __init__(self, folder: Path, address: str | None, target: int = 6) -> None:
        self.studies = Studies(Store(folder), address)
        self.study = optuna.create_study(study_name="s", storage=self.studies.storage)
        self.lease = Lease(leases_of(self.study), "s").open()
        self.thorough = 0
        self.reasons: list[str] = []
        config = StudyConfig(name="s", trials=target)
        self.is_left = False
        recorder = SimpleNamespace(has_left=lambda: self.is_left)
        recording: Any = SimpleNamespace(
            take_over=lambda: None, reclaim=self._reclaim, recorder=recorder
        )
        ends: Any = SimpleNamespace(reasons=lambda seen: self.reasons)
        self.asking = Asking(config, self.studies, self.study, self.lease, recording, ends)

    def _reclaim(self, lost: Any) -> optuna.Study:
        self.thorough += 1
        for trial in lost(self.study):
            requeue(self.study, trial, replace(KILLED_RECORD, number=trial.number))
        return snapshot_of(self.study)

    def slots(self) -> list[int | None]:
        return [given_slot(trial) for trial in self.study.get_trials(deepcopy=False)]


@pytest.fixture(params=["sqlite", "postgresql"])
def address(request: pytest.FixtureRequest) -> str | None:
    """Of a database; None for a file of the home."""
    if request.param == "sqlite":
        return None
    return with_driver(request.getfixturevalue("postgres").database())


@pytest.fixture
def place(tmp_path: Path, address: str | None) -> Any:
    made = Place(tmp_path, address)
    yield made
    made.lease.close()


def test_each_trial_has_its_owner_and_its_place_from_its_first_moment_on(place: Place) -> None:
    for _ in range(6):
        assert place.asking.next() is not None
    trials = place.study.get_trials(deepcopy=False)
    assert place.slots() == [0, 1, 2, 3, 4, 5]
    assert all(place.lease.holds(owner_of_trial(trial) or {}) for trial in trials)
    assert all(trial.datetime_start is not None for trial in trials)
    assert place.thorough == 0  # all was as usual
    assert place.asking.next() is None
    assert place.thorough == 1  # before anybody is told that nothing is left


def test_what_was_read_before_the_lock_may_be_old(place: Place) -> None:
    place.asking.next()
    old = snapshot_of(place.study)
    place.asking.next()
    place.asking.next()
    for _ in range(3):
        assert place.asking.next(old) is not None
    assert place.asking.next(old) is None
    assert place.slots() == [0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize("nth", [1, 5])
def test_a_trial_whose_beginning_was_told_to_nobody_is_tried_again(
    nth: int, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_LOST_S", 0.5)
    begin, calls = module.begin_at_once, itertools.count()

    def answers_late(*given: Any) -> Any:
        if next(calls) == nth:
            begin(*given)  # and the connection breaks before the answer is there
        return begin(*given)

    monkeypatch.setattr(module, "begin_at_once", answers_late)
    given = [place.asking.next() for _ in range(6)]
    assert all(trial is not None for trial in given)
    assert place.asking.next() is None
    trials = place.study.get_trials(deepcopy=False)
    assert [trial.state.name for trial in trials].count("RUNNING") == 6
    assert sorted(given_slot(trial) or 0 for trial in trials if trial.number != nth) == [*range(6)]
    assert trials[nth].state == TrialState.FAIL
    assert retry_of(trials[6]) == nth


def test_a_trial_that_a_worker_is_about_to_be_given_is_not_lost(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_LOST_S", 0.1)
    monkeypatch.setattr(module, "_LOOKS_EVERY_S", 0.0)
    trial_of, goes_on = module.trial_of, threading.Event()

    def slowly(*given: Any) -> Any:
        if threading.current_thread() is worker:
            goes_on.wait(60)
        return trial_of(*given)

    monkeypatch.setattr(module, "trial_of", slowly)
    worker = threading.Thread(target=place.asking.next)
    worker.start()
    while not place.slots():
        time.sleep(0.05)
    for _ in range(3):
        assert place.asking.next() is not None
        time.sleep(0.2)
    goes_on.set()
    worker.join()
    assert place.slots() == [0, 1, 2, 3]
    assert place.asking.next() is not None
    assert {trial.state.name for trial in place.study.get_trials()} == {"RUNNING"}


def test_an_interruption_meanwhile_is_heard_of(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.asking.next()
    place.asking.next()
    old = snapshot_of(place.study)
    calls: list[int] = []

    def read(study: optuna.Study) -> optuna.Study:
        calls.append(1)
        return snapshot_of(study)

    requeue(place.study, place.study.get_trials(deepcopy=False)[1], KILLED_RECORD)
    monkeypatch.setattr(module, "snapshot_of", read)
    again = place.asking.next(old)
    assert again is not None
    assert len(calls) == 1  # what was read before the lock was of no use
    monkeypatch.undo()
    assert place.slots() == [0, 1, 1]
    place.asking.next()
    assert place.slots() == [0, 1, 1, 2]


def test_who_closed_a_trial_and_died_before_queueing_it_is_looked_after(place: Place) -> None:
    first, second = place.asking.next(), place.asking.next()
    assert first is not None
    assert second is not None
    place.study.tell(second, state=TrialState.FAIL)  # closed, and not queued again
    place.asking.next()
    assert place.thorough == 1


def test_a_reason_to_end_is_asked_for_again_under_the_lock(place: Place) -> None:
    assert place.asking.next() is not None
    place.reasons = ["Trial 0 reached the target of 0.8."]
    assert place.asking.next() is None
    assert place.thorough == 1


def test_a_trial_that_is_closed_has_its_place_until_it_is_queued_again(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = [place.asking.next() for _ in range(6)]
    monkeypatch.setattr(module, "_SETTLES_WITHIN_S", 0.3)
    assert begun[3] is not None
    place.study.tell(begun[3], state=TrialState.FAIL)
    assert place.asking.next() is None  # no seventh place, though only five trials are under way

    def queue(_: float) -> None:
        trial = place.study.get_trials(deepcopy=False)[3]
        attributes = {"trialbook:retry_of": 3, "trialbook:slot": given_slot(trial)}
        place.study.enqueue_trial({}, user_attrs=attributes)

    monkeypatch.setattr(module, "_SETTLES_WITHIN_S", 60.0)
    monkeypatch.setattr(module.time, "sleep", queue)
    again = place.asking.next()
    assert again is not None
    assert place.slots() == [0, 1, 2, 3, 4, 5, 3]


def test_many_threads_reach_the_target_exactly(tmp_path: Path, address: str | None) -> None:
    place = Place(tmp_path, address, target=40)

    def work() -> None:
        while (trial := place.asking.next()) is not None:
            if trial.number % 7 == 3:
                stored = place.study.get_trials(deepcopy=False)[trial.number]
                requeue(place.study, stored, KILLED_RECORD)
            else:
                place.study.tell(trial, 0.5)

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    place.lease.close()
    trials = place.study.get_trials(deepcopy=False)
    done = [trial for trial in trials if trial.state == TrialState.COMPLETE]
    assert len(done) == 40
    assert sorted(given_slot(trial) or 0 for trial in done) == list(range(40))
    assert not [trial for trial in trials if not trial.state.is_finished()]


def test_a_trial_that_was_begun_is_the_one_that_is_stored(place: Place) -> None:
    """What its process knows of it without reading is what another process reads."""
    begun = [place.asking.next() for _ in range(3)]
    stored = optuna.load_study(study_name="s", storage=place.studies.storage).trials
    for ours, theirs in zip(begun, stored, strict=True):
        assert ours is not None
        known = frozen(ours)
        assert known.number == theirs.number
        assert known._trial_id == theirs._trial_id
        assert known.user_attrs == theirs.user_attrs
        assert known.state == theirs.state == TrialState.RUNNING
        assert known.datetime_start is not None
        assert theirs.datetime_start is not None
        assert abs((known.datetime_start - theirs.datetime_start).total_seconds()) < 60
        ours.suggest_float("x", 0.0, 1.0)
        place.study.tell(ours, 0.5)
    done = optuna.load_study(study_name="s", storage=place.studies.storage).trials
    assert [trial.value for trial in done] == [0.5] * 3


def test_who_is_asked_to_stop_waits_for_no_lock(place: Place) -> None:
    assert place.asking.next() is not None
    place.studies.heed(lambda text: None, lambda: True)
    held, done = threading.Event(), threading.Event()

    def hold() -> None:
        with Studies(place.studies.store, place.studies.address).lock():
            held.set()
            done.wait(60)

    holder = threading.Thread(target=hold)
    holder.start()
    held.wait(60)
    try:
        assert place.asking.next() is None
        assert len(place.study.get_trials(deepcopy=False)) == 1
    finally:
        done.set()
        holder.join()
    assert place.asking.next() is not None


def test_what_processes_that_are_gone_left_is_looked_for_now_and_then(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_LOOKS_EVERY_S", 0.0)
    assert place.asking.next() is not None
    assert place.thorough == 0
    place.is_left = True
    assert place.asking.next() is not None
    assert place.thorough == 1
    place.is_left = False
    leases_of(place.study).take({**me(), "id": "gone", "pid": 2**22 + 1}, "s")
    assert place.asking.next() is not None
    assert place.thorough == 2
    leases_of(place.study).release("gone")
    gone = place.asking.next()
    assert gone is not None
    gone.set_user_attr(Key.OWNER.value, {**me(), "id": "gone", "pid": 2**22 + 1})
    assert place.asking.next() is not None
    assert place.thorough == 3
