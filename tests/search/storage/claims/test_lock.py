"""Waiting for a lock that another process holds: how long, what is said, and who is named."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from holding import Holder
from postgres import Server

from search.storage.claims import lock
from search.storage.claims.lock import StillHeld, file_lock, server_lock
from search.storage.claims.waiting import Sought, Told, Waiting
from search.storage.database import open_storage
from search.storage.internals import engine_of
from search.storage.studies import Studies
from tracking import Store


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lock, "_SILENT_S", 0.3)
    monkeypatch.setattr(lock, "_HELD_S", 0.3)
    monkeypatch.setattr(lock, "_TOLD", Told())


@pytest.fixture(params=["sqlite", "postgresql"])
def address(request: pytest.FixtureRequest) -> str | None:
    """Of a database; None for a file of the home."""
    if request.param == "sqlite":
        return None
    return str(request.getfixturevalue("postgres").database())


@pytest.fixture
def hold(tmp_path: Path, address: str | None) -> Iterator[Callable[[], Holder]]:
    """Begins to hold the lock, and to stand still."""
    held: list[Holder] = []

    def begin() -> Holder:
        held.append(Holder(tmp_path, address))
        return held[-1]

    yield begin
    for each in held:
        each.close()


def test_a_study_waits_until_a_process_that_was_stopped_goes_on(
    tmp_path: Path, address: str | None, hold: Callable[[], Holder]
) -> None:
    said: list[str] = []
    studies, done = Studies(Store(tmp_path), address), list[int]()
    studies.heed(said.append, lambda: False)
    assert studies.locked(lambda: 1) == 1
    assert said == []
    holder = hold()
    workers = [
        threading.Thread(target=studies.locked, args=(lambda: done.append(1),)) for _ in range(2)
    ]
    for worker in workers:
        worker.start()
    time.sleep(3.0)  # five times as long as a command waits here
    assert all(worker.is_alive() for worker in workers)
    assert len(said) == 1
    assert said[0].startswith(f"Waiting for {holder.name}")
    assert said[0].endswith("If it was stopped, let it go on or end it.")
    holder.go_on()
    for worker in workers:
        worker.join(60)
    assert done == [1, 1]
    assert said[1:] == ["The lock is free: this process goes on."]


@pytest.mark.parametrize("why", ["asked to stop", "out of time"])
def test_a_study_that_waits_ends_when_it_has_to(
    why: str, tmp_path: Path, address: str | None, hold: Callable[[], Holder]
) -> None:
    studies, over = Studies(Store(tmp_path), address), threading.Event()
    tells = [over.is_set, lambda: False]
    studies.heed(lambda text: None, *(tells if why == "asked to stop" else reversed(tells)))
    assert studies.locked(lambda: 1) == 1
    holder = hold()
    later = threading.Timer(2.0, over.set)
    later.start()
    began = time.monotonic()
    with pytest.raises(StillHeld, match=f"{holder.name}.*The same command goes on"):
        studies.locked(lambda: 1)
    assert 2.0 <= time.monotonic() - began < 20.0
    later.join()


def test_whoever_is_no_study_waits_for_two_minutes_and_is_told_who_holds_the_lock(
    tmp_path: Path, address: str | None, hold: Callable[[], Holder],
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    studies = Studies(Store(tmp_path), address)
    assert studies.locked(lambda: 1) == 1
    holder = hold()
    with pytest.raises(StillHeld) as caught:
        studies.locked(lambda: 1)
    assert caught.value.exit_code == 75  # a failure that may pass, and no mistake of the user's
    assert f"but {holder.name}" in str(caught.value)
    assert "let it go on or end it. Then give the same command again." in str(caught.value)
    assert capsys.readouterr().err.count(f"Waiting for {holder.name}") == 1


def test_a_study_may_wait_briefly_too(
    tmp_path: Path, address: str | None, hold: Callable[[], Holder]
) -> None:
    studies = Studies(Store(tmp_path), address)
    studies.heed(lambda text: None, lambda: False)
    assert studies.locked(lambda: 1, briefly=True) == 1
    hold()
    with pytest.raises(StillHeld, match="A lock must be free within"):
        studies.locked(lambda: 1, briefly=True)


def test_the_server_names_the_session_that_holds_a_lock(postgres: Server, tmp_path: Path) -> None:
    engine: Any = engine_of(open_storage(Store(tmp_path), postgres.database()))
    own = rf"process {os.getpid()} on {socket.gethostname()} \(the server's session \d+\)"
    with (
        server_lock(engine, "optuna"),
        pytest.raises(StillHeld, match=f"{own} holds the storage's lock `optuna`"),
        server_lock(engine, "optuna"),
    ):
        pass


def test_that_a_lock_is_waited_for_is_said_again_only_after_it_was_free(tmp_path: Path) -> None:
    said: list[str] = []
    path, waiting = tmp_path / "lock", Waiting(lambda: False, said.append)

    def fails() -> None:
        with pytest.raises(StillHeld), file_lock(path, waiting):
            pass

    def hold_and_fail(times: int) -> None:
        with file_lock(path):
            threads = [threading.Thread(target=fails) for _ in range(times)]
            for thread in threads:
                thread.start()
                thread.join()

    hold_and_fail(2)
    assert [line.split()[0] for line in said] == ["Waiting"]
    with file_lock(path, waiting):
        assert said[1:] == ["The lock is free: this process goes on."]
    hold_and_fail(1)
    assert [line.split()[0] for line in said] == ["Waiting", "The", "Waiting"]


def test_a_holder_that_nobody_knows_is_another_process() -> None:
    assert Sought("the lock").held() == "another process holds the lock"
