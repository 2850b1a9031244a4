"""Opening the storage while somebody else makes it."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

import optuna
import pytest
from sqlalchemy.exc import OperationalError

from search import SearchError
from search.storage import database
from tracking import Store


@pytest.mark.parametrize(
    "said", ["table studies already exists", "UNIQUE constraint failed", "database is locked"]
)
def test_a_storage_that_another_program_makes_is_waited_for(
    said: str, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    real = database.PlainStorage

    def busy_twice(address: str, **options: object) -> optuna.storages.RDBStorage:
        opened.append(address)
        if len(opened) < 3:
            raise OperationalError("CREATE TABLE", None, sqlite3.OperationalError(said))
        return real(address, **options)

    with monkeypatch.context() as patched:
        patched.setattr(database, "_PAUSE_S", 0.0)
        patched.setattr(database, "PlainStorage", busy_twice)
        found = database.open_storage(Store(home), None)
    assert len(opened) == 3
    assert optuna.get_all_study_names(found) == []


def test_a_storage_that_is_none_is_refused_at_once(home: Path) -> None:
    (home / "optuna.db").write_text("no database")
    with pytest.raises(SearchError, match="must be a database that Optuna can open"):
        database.open_storage(Store(home), None)


def test_a_storage_lies_in_its_home_whatever_the_homes_path_holds(home: Path) -> None:
    odd = home.rename(home.with_name("my runs 50%20 #1 été {0}"))
    storage = database.open_storage(Store(odd), None)
    optuna.create_study(storage=storage, study_name="s")
    with contextlib.closing(sqlite3.connect(odd / "optuna.db")) as reader:
        assert reader.execute("SELECT study_name FROM studies").fetchall() == [("s",)]
        assert reader.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert [path.name for path in odd.parent.iterdir()] == [odd.name]


def test_a_refused_storage_does_not_show_its_password(home: Path) -> None:
    with pytest.raises(SearchError) as refused:
        database.open_storage(Store(home), "postgresql+none://me:secret@host/db")
    assert "postgresql+none://me:***@host/db" in str(refused.value)
    assert "secret" not in str(refused.value)
    with pytest.raises(SearchError) as refused:
        database.open_storage(Store(home), "postgresql+none://me:secret@host/db?password=secret")
    assert "postgresql+none://me:***@host/db?password=***" in str(refused.value)
    assert "secret" not in str(refused.value)
