"""Children that are started one by one, as on macOS."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from search import SearchError, StudyConfig
from search.child.messages import ALONE
from search.executor import fork_client
from search.executor.fork_client import ForkServer, fork_server
from search.executor.spawned import Spawner
from search.executor.starting import STARTS
from search.executor.supervisor import Supervisor
from search.study.run import run_study


@pytest.fixture
def spawns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fork_client, "_servers", {})
    monkeypatch.setenv(STARTS, "spawn")


def _config(ratings_file: Path, name: str) -> StudyConfig:
    return StudyConfig(
        name=name, data=str(ratings_file), trials=3, epochs=2, sampler="random", workers=1
    )


@pytest.fixture
def child(spawns: None, ratings_file: Path) -> Iterator[Supervisor]:
    config = _config(ratings_file, "child")
    with contextlib.closing(Supervisor(config, role=ALONE)) as supervisor:
        assert supervisor.ready().space
        yield supervisor


def test_a_study_is_the_same_however_its_children_come_about(
    home: Path, ratings_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    forked = run_study(_config(ratings_file, "forked"), home=home)
    monkeypatch.setattr(fork_client, "_servers", {})
    monkeypatch.setenv(STARTS, "spawn")
    spawned = run_study(_config(ratings_file, "spawned"), home=home)
    assert isinstance(fork_server(ALONE), Spawner)
    values = [[trial.value for trial in each.record.trials] for each in (forked, spawned)]
    assert values[0] == values[1]
    assert None not in values[0]
    (saved,) = (trial.number for trial in spawned.record.trials if trial == spawned.record.best)
    assert spawned.record.trials[saved].run_id


def test_a_child_is_this_process_s_own_and_ends_with_its_pipe(child: Supervisor) -> None:
    process = psutil.Process(child._pid)
    assert process.ppid() == os.getpid()
    assert os.getpgid(process.pid) == process.pid  # what it begins is ended with it
    child.close()
    assert not process.is_running()


def test_a_child_that_is_killed_is_known_to_be(child: Supervisor) -> None:
    assert child._server.exit_code(child._pid) is None
    os.kill(child._pid, signal.SIGKILL)
    assert child._server.wait(child._pid) == -signal.SIGKILL


def test_another_way_to_start_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fork_client, "_servers", {})
    monkeypatch.setenv(STARTS, "thread")
    with pytest.raises(SearchError, match="`TRIALBOOK_CHILDREN` must be fork or spawn, but is 'th"):
        fork_server()


def test_macos_spawns_and_windows_says_what_it_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fork_client, "_servers", {})
    monkeypatch.delenv(STARTS, raising=False)
    monkeypatch.setattr(ForkServer, "start", classmethod(lambda *_: pytest.fail("it forks")))
    monkeypatch.setattr(sys, "platform", "darwin")
    assert isinstance(fork_server(ALONE), Spawner)
    monkeypatch.setattr(sys, "platform", "win32")
    with pytest.raises(SearchError, match="Training needs Linux or macOS, but this is Windows"):
        fork_server(ALONE)
