"""Opening the storage while somebody else makes it."""

from __future__ import annotations

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
    real = optuna.storages.RDBStorage

    def busy_twice(address: str, **options: object) -> optuna.storages.RDBStorage:
        opened.append(address)
        if len(opened) < 3:
            raise OperationalError("CREATE TABLE", None, sqlite3.OperationalError(said))
        return real(address, **options)

    with monkeypatch.context() as patched:
        patched.setattr(database, "_PAUSE_S", 0.0)
        patched.setattr(optuna.storages, "RDBStorage", busy_twice)
        found = database.open_storage(Store(home), None)
    assert len(opened) == 3
    assert optuna.get_all_study_names(found) == []


def test_a_storage_that_is_none_is_refused_at_once(home: Path) -> None:
    (home / "optuna.db").write_text("no database")
    with pytest.raises(SearchError, match="must be a database that Optuna can open"):
        database.open_storage(Store(home), None)
