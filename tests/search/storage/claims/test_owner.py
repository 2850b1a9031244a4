"""Processes as owners of trials: which of them this process sees."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from datetime import datetime, timedelta

import psutil
import pytest

from search.storage.claims import owner
from search.storage.claims.owner import Sight, me, named, owner_of, seen


@pytest.fixture
def sleeper() -> subprocess.Popen[bytes]:
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    yield process
    process.kill()
    process.wait()


def test_this_process_and_others_of_this_machine_are_seen(
    sleeper: subprocess.Popen[bytes],
) -> None:
    assert me()["pid"] == os.getpid()
    assert named(me()) == f"process {os.getpid()} on {socket.gethostname()}"
    other = owner_of(sleeper.pid)
    assert [seen(me()), seen(other)] == [Sight.ALIVE, Sight.ALIVE]
    sleeper.kill()
    while psutil.Process(sleeper.pid).status() != psutil.STATUS_ZOMBIE:
        pass
    assert seen(other) is Sight.GONE  # though nobody has waited for it yet
    sleeper.wait()
    assert seen(other) is Sight.GONE


def test_a_later_process_of_the_same_number_is_another() -> None:
    assert seen(me() | {"started": me()["started"] - 5}) is Sight.GONE


def test_what_runs_in_another_container_or_on_another_machine_is_not_seen() -> None:
    assert seen(me() | {"namespace": 1}) is Sight.UNSEEN
    assert seen(me() | {"boot": "another"}) is Sight.UNSEEN
    # Containers may have one host name, and a machine may be renamed.
    assert seen(me() | {"host": "another"}) is Sight.ALIVE


def test_a_time_of_day_that_is_set_does_not_change_who_a_process_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = me()
    moved = psutil.boot_time() + 3600  # what the system derives from the time of day
    monkeypatch.setattr(psutil, "boot_time", lambda: moved)
    assert me() == before
    assert seen(before) is Sight.ALIVE


def test_an_owner_of_an_earlier_version_is_known_by_its_host() -> None:
    process = psutil.Process()
    own = {"host": socket.gethostname(), "pid": process.pid, "started": process.create_time()}
    assert seen(own) is Sight.ALIVE
    assert seen(own | {"started": process.create_time() - 5}) is Sight.GONE
    assert seen(own | {"host": "another"}) is Sight.UNSEEN


def test_a_system_without_these_files_is_told_apart_by_its_start(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(owner, "_BOOT_ID", owner.Path("/nowhere"))
    monkeypatch.setattr(owner, "_NAMESPACE", owner.Path("/nowhere"))
    began = datetime.fromtimestamp(psutil.boot_time())
    assert me()["namespace"] == 0
    assert me()["boot"].startswith(socket.gethostname())
    assert datetime.now() - began > timedelta(0)
    assert seen(me()) is Sight.ALIVE
