"""Opening the storage while somebody else makes it."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

import optuna
import pytest
from postgres import Server
from sqlalchemy.exc import OperationalError

from search import SearchError
from search.cli.main import run
from search.storage import database
from search.storage.patience import StorageAway
from tracking import Store, TrackingError


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
    with pytest.raises(SearchError, match=r"file is not a database.*Put a copy of it in its place"):
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


NOBODY = "postgresql://me:secret@127.0.0.1:9/db"


def test_a_server_that_is_away_is_a_failure_that_may_pass(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(database, "_ANSWERS_WITHIN_S", 0.0)
    monkeypatch.setattr(database, "_TRIES_EVERY_S", 0.0)
    assert run(["show", "s", "--home", str(home), "--storage", NOBODY]) == 75
    said = capsys.readouterr().err
    assert "me:***@127.0.0.1:9/db" in said
    assert "refused" in said
    assert "secret" not in said
    assert "sqlalche" not in said


@pytest.mark.parametrize(
    ("said", "waits"),
    [
        ("connection failed: FATAL:  the database system is starting up", True),
        ("connection failed: FATAL:  the database system is shutting down", True),
        ("connection to server on socket failed: No such file or directory", True),
        ("connection failed: Connection refused", True),
        ('connection failed: FATAL:  password authentication failed for user "me"', False),
        ('connection failed: FATAL:  database "timeouts" does not exist', False),
        ("FATAL:  sorry, too many clients already", True),
        (
            "Multiple connection attempts failed. All failures were: - host: 'localhost', hostaddr:"
            " '::1': Connection refused - host: 'localhost', hostaddr: '127.0.0.1': FATAL: "
            "password authentication failed",
            False,
        ),
        ("failed to resolve host 'nohost'", False),
    ],
)
def test_only_a_server_that_may_come_is_waited_for(
    said: str, waits: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    tries = []

    def connect() -> int:
        tries.append(1)
        if len(tries) < 3:
            raise OperationalError("SELECT", None, Exception(said))
        return 7

    monkeypatch.setattr(database, "_TRIES_EVERY_S", 0.0)
    if waits:
        assert database._once_it_answers(connect, "postgresql://host/db", lambda: False) == 7
        assert capsys.readouterr().err.count("Waiting for postgresql://host/db") == 1
        tries.clear()
        with pytest.raises(StorageAway, match="must be a database that answers"):
            database._once_it_answers(connect, "postgresql://host/db", lambda: True)
    else:
        with pytest.raises(OperationalError):
            database._once_it_answers(connect, "postgresql://host/db", lambda: False)
        assert len(tries) == 1


def _set_back(path: Path, version: str) -> None:
    """Make the tables in a file those of the Optuna before the last change, which was an index."""
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("DROP INDEX ix_trials_study_id")
        connection.execute("UPDATE alembic_version SET version_num = ?", [version])


def _versions(path: Path) -> tuple[str, int]:
    """The version of the tables in a file, and how many trials are in it."""
    with contextlib.closing(sqlite3.connect(path)) as connection:
        ((version,),) = connection.execute("SELECT version_num FROM alembic_version")
        ((count,),) = connection.execute("SELECT count(*) FROM trials")
        return version, count


def test_tables_of_an_earlier_optuna_are_upgraded_after_a_backup(home: Path) -> None:
    made = optuna.storages.RDBStorage(f"sqlite:///{home}/optuna.db")
    optuna.create_study(study_name="movies", storage=made).optimize(lambda _: 0.5, n_trials=3)
    head, before = made.get_all_versions()[:2]
    made.engine.dispose()
    _set_back(home / "optuna.db", before)
    assert _versions(home / "optuna.db") == (before, 3)
    told: list[str] = []
    storage = database.open_storage(Store(home), None, say=told.append)
    study = optuna.load_study(study_name="movies", storage=storage)
    assert [trial.value for trial in study.trials] == [0.5] * 3
    backup = home / f"optuna.db.before-{head}"
    assert told == [
        f"Optuna's tables were of an earlier version, and are upgraded. Before: {backup}"
    ]
    assert _versions(home / "optuna.db") == (head, 3)
    assert _versions(backup) == (before, 3)
    database.open_storage(Store(home), None, say=told.append)
    assert len(told) == 1


def test_tables_of_a_later_optuna_are_refused(home: Path) -> None:
    database.open_storage(Store(home), None)
    with contextlib.closing(sqlite3.connect(home / "optuna.db")) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = 'v9.9.0.a'")
    with pytest.raises(SearchError, match="are of a later one"):
        database.open_storage(Store(home), None)
    assert list(home.glob("optuna.db.*")) == []


def test_tables_of_earlier_versions_on_a_server_are_left_as_they_are(
    postgres: Server, home: Path
) -> None:
    """Others may use them, and no backup is made of them from here."""
    studies, runs = postgres.database(), postgres.database()
    opened = database.open_storage(Store(home), studies)
    assert isinstance(opened, optuna.storages.RDBStorage)
    opened.engine.dispose()
    postgres.ask(studies, "UPDATE alembic_version SET version_num = 'v3.0.0.d'")
    with pytest.raises(SearchError, match="run `optuna storage upgrade --storage postgresql"):
        database.open_storage(Store(home), studies)
    # As MLflow had them once; it would make the tables that are missing, and change these.
    for statement in (
        "CREATE TABLE alembic_version (version_num text)",
        "INSERT INTO alembic_version VALUES ('451aebb31d03')",
        "CREATE TABLE experiments (experiment_id integer)",
    ):
        postgres.ask(runs, statement)
    store = Store(home, runs)
    for use in (store.check, store.prepare, store.client):
        with pytest.raises(TrackingError, match="run `mlflow db upgrade postgresql"):
            use()
    tables = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"
    assert postgres.ask(runs, tables) == [(2,)]
