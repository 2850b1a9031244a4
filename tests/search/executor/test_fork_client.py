"""Children that are forked from one process, and what becomes of them without it."""

from __future__ import annotations

import contextlib
import os
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from search import StudyConfig
from search.child.messages import ALONE, KERAS
from search.executor import fork_client
from search.executor.death import ChildDied
from search.executor.fork_client import fork_server
from search.executor.starting import environment
from search.executor.supervisor import Supervisor
from tracking.scratch import sweep

WINE = StudyConfig(name="wine", model="wine:WineModel", objective="val_accuracy:max")


@pytest.fixture
def supervisor() -> Iterator[Supervisor]:
    with contextlib.closing(Supervisor(WINE)) as supervisor:
        yield supervisor


def test_children_are_forked_from_one_process(supervisor: Supervisor) -> None:
    with contextlib.closing(Supervisor(WINE)) as other:
        both = supervisor, other
        names = [[p.name for p in each.ready().space] for each in both]
        assert names[0] == names[1]
        first, second = (psutil.Process(each._pid) for each in both)
        assert first.pid != second.pid
        assert first.ppid() == second.ppid() != os.getpid()
        supervisor.close()
        assert not first.is_running()
        assert second.is_running()


def test_a_variable_that_libraries_read_when_loaded_asks_for_another_server(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = fork_server()
    monkeypatch.setattr(
        fork_client, "_servers", {KERAS: before}
    )  # and again when this test is over
    monkeypatch.setenv("NO_LIBRARY_READS_THIS", "1")
    assert fork_server() is before
    monkeypatch.setenv("TF_NO_LIBRARY_READS_THIS", "1")
    other = fork_server()
    assert other is not before
    assert fork_server() is other


def test_each_role_has_a_server_of_its_own() -> None:
    assert fork_server(ALONE) is not fork_server(KERAS)
    assert fork_server(ALONE) is fork_server(ALONE)


def test_a_child_whose_server_is_killed_ends_and_the_next_one_has_another(
    supervisor: Supervisor,
) -> None:
    supervisor.ready()
    child = psutil.Process(supervisor._pid)
    os.kill(child.ppid(), signal.SIGKILL)
    with pytest.raises(ChildDied, match="SIGKILL"):
        supervisor.poll(60)
    assert supervisor.ready().space


def test_a_child_that_is_closed_before_it_is_there_ends_by_itself(supervisor: Supervisor) -> None:
    supervisor.start()
    supervisor.close()
    assert supervisor.ready().space


@pytest.mark.slow
def test_what_a_killed_child_left_in_the_temporary_folder_goes_with_its_server(
    supervisor: Supervisor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(fork_client, "_servers", {})
    supervisor.ready()
    (folder,) = tmp_path.iterdir()
    (folder / "left").touch()
    supervisor.close()
    assert folder.exists()
    fork_client._servers.clear()
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_what_a_killed_server_left_goes_with_the_next_one(
    supervisor: Supervisor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(fork_client, "_servers", {})
    monkeypatch.setattr(tempfile, "tempdir", None)
    supervisor.ready()
    (folder,) = tmp_path.iterdir()
    sweep(tmp_path)
    assert folder.exists()  # its server lives
    (server,) = fork_client._servers.values()
    supervisor.close()
    server._process.kill()
    server._process.wait()
    sweep(tmp_path)
    assert not folder.exists()


def test_a_child_may_be_shown_one_device_only() -> None:
    assert environment(1)["CUDA_VISIBLE_DEVICES"] == "1"
