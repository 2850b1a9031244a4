"""Trials that are read in plain statements are those that Optuna reads itself."""

from __future__ import annotations

import math
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import optuna
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.exceptions import StorageInternalError
from optuna.storages import RDBStorage
from optuna.trial import FrozenTrial, TrialState, create_trial
from sqlalchemy import text

from search.storage.reading.trials import PlainStorage, SharedReading
from tracking import with_driver

SPACE = {
    "z": FloatDistribution(1e-3, 1.0, log=True),
    "a": IntDistribution(0, 8, step=2),
    "c": CategoricalDistribution(["one", None, 3]),
}


def _trials() -> list[FrozenTrial]:
    """One of every state, with every kind of number that Optuna stores in its own way."""
    params = {"z": 0.5, "a": 4, "c": None}
    whole = create_trial(
        state=TrialState.COMPLETE,
        values=[math.inf, -math.inf],
        params=params,
        distributions=SPACE,
        user_attrs={"plan": {"values": {"a": [1, 2]}}, "none": None},
        system_attrs={"fixed_params": {"z": 0.5}},
        intermediate_values={3: math.nan, 1: 0.25, 2: -math.inf},
    )
    others = [create_trial(state=s) for s in TrialState if s != TrialState.COMPLETE]
    return [whole, *others, create_trial(values=[0.5, 1.0], params={}, distributions={})]


@pytest.fixture(params=["sqlite", "postgresql"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/optuna.db"
    return with_driver(request.getfixturevalue("postgres").database())


def _study(storage: RDBStorage) -> optuna.Study:
    return optuna.create_study(
        study_name="s", storage=storage, directions=["minimize"] * 2, load_if_exists=True
    )


def test_they_are_those_of_optuna_whatever_the_time_zone(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    try:
        _study(PlainStorage(address)).add_trials(_trials())
        plain, theirs = _study(PlainStorage(address)), _study(RDBStorage(address))
        assert len(plain.trials) == 6
        for ours, expected in zip(plain.trials, theirs.trials, strict=True):
            steps = [repr(sorted(t.intermediate_values.items())) for t in (ours, expected)]
            assert steps[0] == steps[1]
            ours.intermediate_values = expected.intermediate_values  # not a number is not itself
            assert ours == expected
            assert list(ours.params) == list(expected.params)
        for state in TrialState:
            found = plain.get_trials(deepcopy=False, states=(state,))
            assert [t.number for t in found] == [
                t.number for t in theirs.trials if t.state == state
            ]
    finally:
        monkeypatch.undo()
        time.tzset()


def test_a_whole_number_is_read_as_optuna_reads_it(address: str) -> None:
    study = optuna.create_study(storage=PlainStorage(address), study_name="whole")
    trial = study.ask()
    trial.suggest_float("rate", 1.0, 1.0)
    trial.suggest_float("dropout", 0.0, 0.0)
    trial.suggest_int("width", 8, 8)
    trial.report(2.0, 1)
    study.tell(trial, 1.0)
    for storage in (PlainStorage(address), RDBStorage(address)):
        (read,) = optuna.load_study(study_name="whole", storage=storage).trials
        assert repr(read.params) == "{'rate': 1.0, 'dropout': 0.0, 'width': 8}"
        assert repr((read.value, read.intermediate_values)) == "(1.0, {1: 2.0})"


def test_what_changed_since_is_read_again(address: str) -> None:
    study, other = _study(PlainStorage(address)), _study(PlainStorage(address))
    running = [study.ask() for _ in range(3)]
    assert [t.state.name for t in other.trials] == ["RUNNING"] * 3
    study.tell(running[2], [1.0, 2.0])
    assert [t.state.name for t in other.trials] == ["RUNNING", "RUNNING", "COMPLETE"]
    running[0].suggest_float("x", 0, 1)
    running[1].set_user_attr("late", 7)
    study.tell(running[0], [3.0, 4.0])
    first, second, _ = other.trials
    assert (first.values, list(first.params)) == ([3.0, 4.0], ["x"])
    assert (second.state.name, second.user_attrs) == ("RUNNING", {"late": 7})


def test_what_did_not_change_is_the_same_object_and_what_did_is_another(address: str) -> None:
    study = optuna.create_study(storage=PlainStorage(address))
    running, storage = [study.ask() for _ in range(3)], PlainStorage(address)

    def read() -> list[FrozenTrial]:
        return storage._get_trials(study._study_id, None, set(), -1)

    before = read()
    running[0].set_user_attr("seen", 1)
    running[0].set_user_attr("seen", 2)  # an update in place
    running[1].report(0.5, 1)
    study.tell(running[2], 1.0)
    after = read()
    assert [old is new for old, new in zip(before, after, strict=True)] == [False, False, False]
    again, kept = read(), "postgresql" in address
    assert [old is new for old, new in zip(after, again, strict=True)] == [kept, kept, False]
    assert [t.user_attrs for t in again] == [{"seen": 2}, {}, {}]
    assert again[1].intermediate_values == {1: 0.5}
    assert again[2].state == TrialState.COMPLETE


def test_many_at_once_are_whole_too(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("search.storage.reading.rows._NAMED", 20)
    study = _study(PlainStorage(address))
    study.add_trials(_trials()[:1] * 25)
    found = _study(PlainStorage(address)).trials
    assert len(found) == 25
    assert all(trial.params == {"z": 0.5, "a": 4, "c": None} for trial in found)
    assert all(trial.values == [math.inf, -math.inf] for trial in found)


def test_what_cannot_be_read_is_optunas_error(address: str) -> None:
    storage = PlainStorage(address)
    _study(storage)
    with pytest.raises(KeyError):
        storage.get_all_trials(77)
    with storage.engine.begin() as connection:
        connection.execute(text("ALTER TABLE trials RENAME TO lost"))
    with pytest.raises(StorageInternalError):
        storage.get_all_trials(1)


def test_threads_that_read_at_once_read_together_and_see_what_was_there_when_they_asked() -> None:
    shared, written = SharedReading(), 0
    begun, goes_on = threading.Event(), threading.Event()
    reads: list[int] = []

    def slowly() -> int:
        found = written
        begun.set()
        goes_on.wait(60)
        reads.append(found)
        return found

    with ThreadPoolExecutor(5) as pool:
        first = pool.submit(shared.get, slowly)
        begun.wait(60)
        written = 7  # after the first reading began
        others = [pool.submit(shared.get, slowly) for _ in range(4)]
        while len(shared._changed._waiters) < 4:  # type: ignore[attr-defined]
            time.sleep(0.01)
        goes_on.set()
        assert first.result() == 0
        assert [other.result() for other in others] == [7] * 4
    assert reads == [0, 7]


def test_a_reading_that_fails_is_done_by_another() -> None:
    shared = SharedReading()

    def fail() -> int:
        raise KeyError("gone")

    with pytest.raises(KeyError):
        shared.get(fail)
    assert shared.get(lambda: 3) == 3
