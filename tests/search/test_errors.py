"""What is made of a disk that is full."""

from __future__ import annotations

import errno
import shutil
import sqlite3
from collections import namedtuple
from pathlib import Path

import pytest

from search.child.main import _failure
from search.cli import main
from search.errors import DiskFull, SearchError, as_disk_full, is_disk_full

NO_ROOM = OSError(errno.ENOSPC, "No space left on device")
Usage = namedtuple("Usage", "total used free")


def caused(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    "error",
    [
        NO_ROOM,
        OSError(errno.EDQUOT, "Disk quota exceeded"),
        sqlite3.OperationalError("database or disk is full"),
        caused(SearchError("It cannot be opened."), NO_ROOM),
        caused(RuntimeError(), caused(RuntimeError(), NO_ROOM)),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_full_disk_is_seen_through_what_it_led_to(error: Exception, tmp_path: Path) -> None:
    assert is_disk_full(error)
    made = as_disk_full(error, tmp_path / "home")
    assert isinstance(made, DiskFull)
    assert made.exit_code == 75
    assert f"the disk of {tmp_path}" in str(made) or "the disk of /tmp" in str(made)


def test_other_failures_are_none(tmp_path: Path) -> None:
    loop = RuntimeError("one")
    loop.__context__ = caused(RuntimeError("two"), loop)
    for error in (OSError(errno.EACCES, "Permission denied"), ValueError("full"), loop):
        assert not is_disk_full(error)
        assert as_disk_full(error, tmp_path) is None


def test_what_sqlite_says_of_much_counts_where_there_is_no_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    error = sqlite3.OperationalError("disk I/O error")
    assert as_disk_full(error, tmp_path) is None
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(10**9, 10**9, 4096))
    assert "(0.0 MB free)" in str(as_disk_full(error, tmp_path))


def test_a_child_says_that_a_disk_is_full() -> None:
    assert _failure(NO_ROOM).is_disk_full
    assert not _failure(ValueError("no")).is_disk_full


def test_any_command_says_it_in_a_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(**_: object) -> None:
        raise NO_ROOM

    monkeypatch.setattr(main.cli, "main", full)
    assert main.run(["studies"]) == 75
    said = capsys.readouterr().err
    assert said.startswith("trialbook: A study needs room for what it records, but the disk of ")
    assert "Make some room and give the same command again" in said
