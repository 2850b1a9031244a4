"""What is made of a disk that is full."""

from __future__ import annotations

import errno
import shutil
import sqlite3
from collections import namedtuple
from contextlib import closing
from pathlib import Path

import pytest

from search.child.main import _failure
from search.cli import main
from search.errors import DiskFull, SearchError, as_damaged, as_disk_full, is_disk_full

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


def test_the_disk_of_the_home_that_was_given_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    home, usage = tmp_path / "given", shutil.disk_usage
    home.mkdir()

    def full(*_: object, **__: object) -> None:
        raise NO_ROOM

    monkeypatch.setattr("search.doctor.examination.examine", full)
    monkeypatch.setattr(
        shutil, "disk_usage", lambda path: Usage(9, 9, 0) if path == home else usage(path)
    )
    assert main.run(["doctor", "--home", str(home)]) == 75
    assert f"the disk of {home} is full" in capsys.readouterr().err


MALFORMED = sqlite3.DatabaseError("database disk image is malformed")


@pytest.fixture
def two(tmp_path: Path) -> Path:
    """A home with two databases that are whole, each of several pages."""
    for name in ("optuna.db", "mlflow.db"):
        with closing(sqlite3.connect(tmp_path / name)) as made, made:
            made.execute("CREATE TABLE names (name)")
            made.executemany("INSERT INTO names VALUES (?)", [("x" * 500,)] * 100)
    return tmp_path


def _spoil(database: Path, *, where: str) -> None:
    content = database.read_bytes()
    half = len(content) // 2
    database.write_bytes(content[:half] if where == "end" else b"x" * 100 + content[100:])


@pytest.mark.parametrize("where", ["head", "end"])
@pytest.mark.parametrize("name", ["optuna.db", "mlflow.db"])
def test_the_damaged_database_is_named_with_what_lies_beside_it(
    name: str, where: str, two: Path
) -> None:
    _spoil(two / name, where=where)
    told = str(as_damaged(MALFORMED, two))
    assert f"but {two / name} is damaged (database disk image is malformed)" in told
    assert f"Move {name} away first, together with {name}-wal and {name}-shm" in told
    assert ("Without mlflow.db" in told, "Without optuna.db" in told) == (
        name == "mlflow.db",
        name == "optuna.db",
    )


def test_two_damaged_databases_one_elsewhere_and_one_that_nobody_knows(two: Path) -> None:
    assert as_damaged(ValueError("no"), two) is None
    assert f"but one that {two} uses is damaged" in str(as_damaged(MALFORMED, two))
    other = two / "else" / "other.db"
    assert f"but {other} is damaged" in str(as_damaged(MALFORMED, two, file=other))
    for name in ("optuna.db", "mlflow.db"):
        _spoil(two / name, where="head")
    assert f"but {two}/optuna.db and {two}/mlflow.db are damaged" in str(as_damaged(MALFORMED, two))
