"""A database on a server that is away for a while."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import optuna
import pytest
from optuna.exceptions import StorageInternalError, UpdateFinishedTrialError
from optuna.trial import TrialState
from postgres import Server
from sqlalchemy.exc import DBAPIError, OperationalError, PendingRollbackError, ProgrammingError

from search.errors import SearchError
from search.storage.claims.lock import server_lock
from search.storage.database import open_storage, storage_lock
from search.storage.internals import database_of, engine_of
from search.storage.patience import Patience, PatientStorage, StorageAway, lost, patience_of
from tracking import Store


class Refused(Exception):
    """What a driver raises."""

    def __init__(self, sqlstate: str | None = None) -> None:
        self.sqlstate = sqlstate


def caused(error: Exception) -> StorageInternalError:
    """What Optuna makes of an error of SQLAlchemy."""
    raised = StorageInternalError("An exception is raised during the commit.")
    raised.__cause__ = error
    return raised


@pytest.mark.parametrize(
    ("error", "is_lost"),
    [
        (OperationalError("SELECT", None, Refused()), True),  # nobody listens
        (OperationalError("SELECT", None, Refused("57P03")), True),  # it is starting
        (OperationalError("SELECT", None, Refused("53300")), True),  # too many connections
        (OperationalError("SELECT", None, Refused("40P01")), False),  # a deadlock: Optuna's own
        (DBAPIError("SELECT", None, Refused(), connection_invalidated=True), True),
        (ProgrammingError("SELECT", None, Refused("42P01")), False),
        (PendingRollbackError("broke just now"), True),
        (caused(OperationalError("SELECT", None, Refused())), True),
        (caused(ProgrammingError("SELECT", None, Refused("42P01"))), False),
        (ValueError("no database"), False),
    ],
)
def test_what_means_that_a_server_is_away(error: Exception, is_lost: bool) -> None:
    assert lost(error) is is_lost


AWAY = OperationalError("SELECT", None, Refused())


def failing(times: int) -> tuple[list[int], object]:
    """A function that fails so many times, and the list of its calls."""
    calls: list[int] = []

    def call() -> str:
        calls.append(1)
        if len(calls) <= times:
            raise AWAY
        return "done"

    return calls, call


def test_it_asks_again_until_the_database_answers() -> None:
    lines: list[str] = []
    calls, call = failing(2)
    patience = Patience(say=lines.append)
    began = time.monotonic()
    assert patience.through(call) == "done"
    assert len(calls) == 3
    assert lines == ["Waiting for the database, which is away.", "The database is back."]
    assert patience.last_away >= began


def test_nobody_waits_once_someone_asked_to_stop() -> None:
    calls, call = failing(9)
    with pytest.raises(StorageAway, match="goes on with the study once it is back"):
        Patience(is_over=lambda: True).through(call)
    assert len(calls) == 1


def test_it_gives_up_after_the_longest_time() -> None:
    _, call = failing(9)
    with pytest.raises(SearchError, match="may be away for 0 minutes"):
        Patience(away_s=0.0).through(call)


def test_what_must_be_done_as_a_whole_is_done_anew_as_a_whole() -> None:
    calls, call = failing(1)
    patience, begun = Patience(), []

    def whole() -> str:
        with patience.at_once():
            begun.append(1)
            return patience.through(call)

    assert patience.through(whole) == "done"
    assert (len(begun), len(calls)) == (2, 2)


def test_other_errors_are_raised_at_once() -> None:
    def wrong() -> None:
        raise ProgrammingError("SELECT", None, Refused("42P01"))

    with pytest.raises(ProgrammingError):
        Patience().through(wrong)


def test_a_file_is_never_away(tmp_path: Path) -> None:
    _, call = failing(1)
    with pytest.raises(OperationalError):
        patience_of(open_storage(Store(tmp_path), None)).through(call)


def test_an_end_that_was_stored_just_before_the_connection_broke_is_stored(
    postgres: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = open_storage(Store(tmp_path), postgres.database())
    study = optuna.create_study(study_name="movies", storage=storage)
    trial, other = study.ask(), study.ask()
    stored = optuna.storages.RDBStorage.set_trial_state_values
    calls = []

    def breaks(self: object, *arguments: object) -> bool:
        calls.append(1)
        done = stored(self, *arguments)
        if len(calls) == 1:
            raise AWAY
        return done

    monkeypatch.setattr(optuna.storages.RDBStorage, "set_trial_state_values", breaks)
    study.tell(trial, 0.5)
    assert study.trials[0].value == 0.5
    calls.clear()
    monkeypatch.undo()
    study.tell(other, state=TrialState.FAIL)
    with pytest.raises(UpdateFinishedTrialError):
        database_of(storage).set_trial_state_values(other._trial_id, TrialState.COMPLETE, [1.0])


def test_a_storage_waits_for_its_server(postgres: Server, tmp_path: Path) -> None:
    storage = open_storage(Store(tmp_path), postgres.database())
    assert isinstance(storage, PatientStorage)
    lines: list[str] = []
    storage.patience.say = lines.append
    study = optuna.create_study(study_name="movies", storage=storage)
    first = study.ask()
    postgres.stop()
    again = threading.Timer(1.0, postgres.start)
    again.start()
    study.tell(first, 0.25)
    again.join()
    second = study.ask()
    study.tell(second, 0.5)
    assert [trial.value for trial in study.trials] == [0.25, 0.5]
    assert lines == ["Waiting for the database, which is away.", "The database is back."]


def test_a_connection_that_died_while_nobody_used_it_is_made_anew_in_silence(
    postgres: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("search.storage.internals._IDLE_S", 0.0)
    address = postgres.database()
    storage = open_storage(Store(tmp_path), address)
    patience, told = patience_of(storage), list[str]()
    patience.say = told.append
    assert storage.get_all_studies() == []
    ended = postgres.ask(
        address,
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid()",
    )
    assert ended
    assert storage.get_all_studies() == []
    assert told == []


def test_a_lock_of_a_server_is_one_for_all_homes(postgres: Server, tmp_path: Path) -> None:
    address = postgres.database()
    homes = [Store(tmp_path / name) for name in ("first", "second")]
    first, second = (open_storage(home, address) for home in homes)
    order: list[str] = []

    def wait() -> None:
        with storage_lock(second, homes[1]):
            order.append("second")

    thread = threading.Thread(target=wait)
    with storage_lock(first, homes[0]):
        thread.start()
        time.sleep(0.8)  # longer than one step of its waiting
        order.append("first")
    thread.join()
    assert order == ["first", "second"]
    with storage_lock(first, homes[0]), storage_lock(second, homes[1], "record"):
        pass  # another lock


def test_a_lock_that_is_held_too_long_is_an_error_in_words(
    postgres: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    from search.storage.claims import lock

    storage = open_storage(Store(tmp_path), postgres.database())
    engine = engine_of(storage)
    monkeypatch.setattr(lock, "_SILENT_S", 0.1)
    monkeypatch.setattr(lock, "_HELD_S", 0.1)
    waiting = pytest.raises(SearchError, match="holds the storage's lock `optuna`")
    with server_lock(engine, "optuna"), waiting, server_lock(engine, "optuna"):
        pass
    assert "Waiting for process" in capsys.readouterr().err
    with server_lock(engine, "optuna"):
        pass


def test_on_sqlite_the_lock_lies_beside_the_database(tmp_path: Path) -> None:
    elsewhere = tmp_path / "shared.db"
    for name in ("first", "second"):
        home = Store(tmp_path / name)
        storage = open_storage(home, f"sqlite:///{elsewhere}")
        with storage_lock(storage, home):
            pass
    own = Store(tmp_path / "first")
    with storage_lock(open_storage(own, None), own):
        pass
    assert (tmp_path / ".shared.lock").exists()
    assert (tmp_path / "first" / ".optuna.lock").exists()
