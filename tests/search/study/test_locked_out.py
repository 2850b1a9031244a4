"""A study while another process, which was stopped, holds the storage's lock."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from holding import Holder

from search import StudyConfig, run_study
from search.storage.claims import lock
from search.study.recording import LEFT_OPEN
from search.study.session import Session
from search.trial.progress import Silent
from tracking import Store, TrialRecord

GOES_ON = "The lock is free: this process goes on."


class Locked(Silent):
    """Has another process hold the lock once the first trial has ended."""

    def __init__(self, home: Path, heard: Callable[[Holder], None]) -> None:
        self.lines: list[str] = []
        self.holder: Holder | None = None
        self._home, self._heard = home, heard

    def ended(self, record: TrialRecord, *, finished: int, target: int) -> None:
        if self.holder is None:
            self.holder = Holder(self._home)

    def message(self, text: str) -> None:
        self.lines.append(text)
        if text.startswith("Waiting for process") and self.holder is not None:
            self._heard(self.holder)


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lock, "_SILENT_S", 0.5)
    monkeypatch.setattr(lock, "_HELD_S", 0.5)


@pytest.fixture
def config(ratings_file: Path) -> StudyConfig:
    return StudyConfig(
        name="locked", data=str(ratings_file), trials=2, epochs=2, sampler="random", workers=1,
        keep_models="none",
    )  # fmt: skip


@pytest.fixture
def locked(home: Path) -> Iterator[Callable[[Callable[[Holder], None]], Locked]]:
    made: list[Locked] = []

    def make(heard: Callable[[Holder], None]) -> Locked:
        made.append(Locked(home, heard))
        return made[-1]

    yield make
    for each in made:
        if each.holder is not None:
            each.holder.close()


def test_it_goes_on_once_the_lock_is_free(
    config: StudyConfig, home: Path, locked: Callable[..., Locked]
) -> None:
    later: list[threading.Timer] = []

    def heard(holder: Holder) -> None:  # three times as long as others wait here
        later.append(threading.Timer(3.0, holder.go_on))
        later[-1].start()

    progress = locked(heard)
    result = run_study(config, home=home, progress=progress)
    assert [trial.state for trial in result.record.trials] == ["complete"] * 2
    assert len([line for line in progress.lines if line.startswith("Waiting for process")]) == 1
    assert progress.lines.count(GOES_ON) == 1
    run = Store(home).client().get_run(result.record.parent_run_id)
    assert run.info.status == "FINISHED"


def test_its_time_ends_it_and_the_same_command_closes_it(
    config: StudyConfig, home: Path, locked: Callable[..., Locked], monkeypatch: pytest.MonkeyPatch
) -> None:
    late = threading.Event()
    monkeypatch.setattr(Session, "_is_late", lambda session: late.is_set())
    progress = locked(lambda holder: late.set())
    result = run_study(config, home=home, progress=progress)
    assert result.timed_out
    assert [trial.state for trial in result.record.trials] == ["complete"]
    assert LEFT_OPEN in progress.lines
    assert GOES_ON not in progress.lines
    client = Store(home).client()
    assert client.get_run(result.record.parent_run_id).info.status == "RUNNING"
    assert progress.holder is not None
    progress.holder.close()
    late.clear()
    again = run_study(config, home=home)
    assert [trial.state for trial in again.record.trials] == ["complete"] * 2
    assert client.get_run(again.record.parent_run_id).info.status == "FINISHED"
