"""A home that is read by way of copies, since nothing can be written beside its databases."""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
from collections import namedtuple
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tracking import Store, TrackingError, mirrored, require_readable, to_read
from tracking.runs import read_only

Usage = namedtuple("Usage", "total used free")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home with two databases, each with a row."""
    home = tmp_path / "mlruns"
    home.mkdir()
    for name in ("optuna.db", "mlflow.db"):
        with closing(sqlite3.connect(home / name)) as made, made:
            made.execute("CREATE TABLE names (name)")
            made.execute("INSERT INTO names VALUES (?)", (name,))
    return home


@pytest.fixture
def is_full(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The home's disk is full."""
    usage = shutil.disk_usage

    def full(path: Path) -> Any:
        return Usage(10**9, 10**9, 4096) if Path(path) == home else usage(path)

    monkeypatch.setattr(shutil, "disk_usage", full)


@pytest.fixture
def is_read_only(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The home cannot be written to."""
    may = os.access
    monkeypatch.setattr(
        os, "access", lambda path, mode: not (mode & os.W_OK and path == home) and may(path, mode)
    )


def hide(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Forbid this user to read a file; root may read any."""
    own = Path.open

    def forbidden(path: Path, *how: Any, **more: Any) -> Any:
        if path.name == name:
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return own(path, *how, **more)

    monkeypatch.setattr(Path, "open", forbidden)


def rows(database: Path) -> list[tuple[str]]:
    with closing(sqlite3.connect(database)) as read:
        return read.execute("SELECT name FROM names").fetchall()


@pytest.mark.usefixtures("is_full")
def test_a_home_whose_disk_is_full_is_read_from_copies(home: Path) -> None:
    store = to_read(Store(home))
    assert store.home != home
    assert mirrored(store.home) == home
    assert rows(store.optuna_db) == [("optuna.db",)]
    assert rows(store.home / "mlflow.db") == [("mlflow.db",)]


@pytest.mark.usefixtures("is_full")
def test_a_full_home_is_read_as_it_is_where_there_is_no_room_for_copies(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(read_only, "_copy", full)
    assert to_read(Store(home)) == Store(home)


@pytest.mark.usefixtures("is_read_only")
@pytest.mark.parametrize("hidden", ["optuna.db", "optuna.db-wal"])
def test_a_storage_of_studies_that_this_user_may_not_read_is_told(
    hidden: str, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home / hidden).touch()
    hide(hidden, monkeypatch)
    with pytest.raises(TrackingError) as caught:
        to_read(Store(home))
    assert f"{home}/optuna.db is not (Permission denied)" in str(caught.value)
    assert "Have its owner allow that" in str(caught.value)
    assert rows(to_read(Store(home), elsewhere=True).home / "mlflow.db") == [("mlflow.db",)]


@pytest.mark.usefixtures("is_read_only")
def test_a_record_that_this_user_may_not_read_is_left_out_and_told_when_it_is_asked_for(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hide("mlflow.db", monkeypatch)
    store = to_read(Store(home))
    assert rows(store.optuna_db) == [("optuna.db",)]
    assert not store.exists()
    with pytest.raises(TrackingError) as caught:
        require_readable(store)
    assert f"{home}/mlflow.db is not (Permission denied)" in str(caught.value)


def test_a_record_that_is_a_folder_is_told_with_the_way_out(home: Path) -> None:
    require_readable(Store(home))
    (home / "mlflow.db").unlink()
    require_readable(Store(home))  # it may be made yet
    (home / "mlflow.db").mkdir()
    with pytest.raises(TrackingError, match=r"mlflow\.db is a folder\. Move it away"):
        require_readable(Store(home))
