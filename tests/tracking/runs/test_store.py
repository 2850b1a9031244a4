from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from tracking import Store, TrackingError, to_read, ui_command, ui_environment
from tracking.runs.context import artifact_folder

ROOT = Path(__file__).resolve().parents[3]


def test_a_store_names_its_own_database_whatever_the_environment_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, store: Store
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/elsewhere.db")
    monkeypatch.setenv("MLFLOW_RUN_ID", "f" * 32)
    assert store.tracking_uri == f"sqlite:///{tmp_path}/mlruns/mlflow.db"
    assert store.client().tracking_uri == store.tracking_uri
    assert store.optuna_db != store.sqlite_file
    assert not (tmp_path / "elsewhere.db").exists()


def test_a_relative_folder_becomes_absolute(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert Store(Path("runs")).home == tmp_path / "runs"
    given = Store(Path("runs"), "sqlite:///own.db")
    assert given.tracking_uri == f"sqlite:///{tmp_path}/own.db"


def test_a_home_that_is_not_there_is_not_made_to_read_what_is_elsewhere(tmp_path: Path) -> None:
    store = Store(tmp_path / "none")
    assert to_read(store) == store
    stands_in = to_read(store, elsewhere=True)
    assert list(stands_in.home.iterdir()) == []
    assert stands_in.sqlite_file == stands_in.home / "mlflow.db"
    named = Store(tmp_path / "none", f"sqlite:///{tmp_path}/m.db")
    assert to_read(named, elsewhere=True).tracking_uri == named.tracking_uri
    assert not store.home.exists()
    store.home.mkdir()
    assert to_read(store, elsewhere=True) == store


@pytest.mark.slow
def test_processes_starting_at_once_make_one_schema_without_a_word(tmp_path: Path) -> None:
    home = tmp_path / "a folder with spaces, 100% & #1"
    code = (
        "import sys; from pathlib import Path; from tracking import Store;"
        "s = Store(Path(sys.argv[1])); s.prepare();"
        "assert len(s.client().search_experiments()) == 1; print('ready')"
    )
    command = [sys.executable, "-W", "error", "-c", code, str(home)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    environment.pop("MLFLOW_LOGGING_LEVEL", None)
    running = [
        subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for _ in range(3)
    ]
    assert [process.communicate(timeout=120) for process in running] == [("ready\n", "")] * 3
    with closing(sqlite3.connect(home / "mlflow.db")) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert not list(home.glob("*.building*"))


def test_preparing_again_leaves_the_file_alone(store: Store) -> None:
    assert store.sqlite_file is not None
    before = store.sqlite_file.read_bytes()
    store.prepare()
    assert store.sqlite_file.read_bytes() == before


def test_a_schema_half_built_by_a_killed_process_is_built_anew(tmp_path: Path) -> None:
    (tmp_path / "mlflow.db.building").write_bytes(b"half")
    (tmp_path / "mlflow.db").touch()
    store = Store(tmp_path)
    store.prepare()
    assert [e.name for e in store.client().search_experiments()] == ["Default"]


@pytest.mark.parametrize(
    ("uri", "words"),
    [
        ("file:///tmp/mlruns", "sqlite:///FOLDER/mlflow.db"),
        ("./mlruns", "sqlite:///FOLDER/mlflow.db"),
        ("oracle://host/db", "postgresql://"),
        ("http:host", "http://"),
        ("sqlite://", "plain file"),
        ("sqlite:///:memory:", "plain file"),
        ("sqlite:///a.db?mode=ro", "question mark"),
    ],
)
def test_an_address_that_cannot_work_is_refused_in_one_line(
    tmp_path: Path, uri: str, words: str
) -> None:
    with pytest.raises(TrackingError) as caught:
        Store(tmp_path, uri)
    message = str(caught.value)
    assert uri in message
    assert words in message
    assert "\n" not in message


@pytest.mark.parametrize(
    "uri",
    ["http://127.0.0.1:9", "postgresql://user:secret@127.0.0.1:9/db", "mysql+nodriver://h/db"],
)
def test_an_address_where_nobody_answers_is_told_in_a_line(tmp_path: Path, uri: str) -> None:
    with pytest.raises(TrackingError, match="must be reachable") as caught:
        Store(tmp_path, uri).prepare()
    assert "\n" not in str(caught.value)
    assert "secret" not in str(caught.value)


def test_a_server_with_a_password_that_does_not_answer_is_told_without_it(tmp_path: Path) -> None:
    with pytest.raises(TrackingError, match="must be reachable") as caught:
        Store(tmp_path, "http://user:sekret@127.0.0.1:9").prepare()
    assert "http://user:***@127.0.0.1:9 is not" in str(caught.value)
    assert "refused" in str(caught.value)
    assert "sekret" not in str(caught.value)


def test_a_home_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("mine")
    with pytest.raises(TrackingError, match="Choose another folder"):
        Store(tmp_path / "home").prepare()
    assert (tmp_path / "home").read_text() == "mine"


def test_a_home_that_is_read_only_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(TrackingError, match="read-only"):
        Store(tmp_path).prepare()


def test_another_programs_database_is_left_alone(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "mlflow.db")) as connection:
        connection.execute("CREATE TABLE trials (number INTEGER)")
        connection.commit()
    with pytest.raises(TrackingError, match="holds other tables \\(trials\\)"):
        Store(tmp_path).prepare()
    (tmp_path / "mlflow.db").write_text("not a database at all")
    with pytest.raises(TrackingError, match="must be an SQLite database"):
        Store(tmp_path).prepare()


def test_a_schema_of_another_mlflow_is_told_with_the_way_out(store: Store) -> None:
    with closing(sqlite3.connect(store.home / "mlflow.db")) as connection:
        connection.execute("UPDATE alembic_version SET version_num = 'beef'")
        connection.commit()
    with pytest.raises(TrackingError, match="mlflow db upgrade"):
        store.client().search_experiments()


def test_the_ui_serves_this_store_and_no_other(store: Store) -> None:
    command = ui_command(store, 5050, host="0.0.0.0")
    assert command[:5] == [sys.executable, "-P", "-m", "mlflow", "server"]
    pairs = dict(zip(command[5::2], command[6::2], strict=True))
    assert pairs == {
        "--app-name": "trialbook",
        "--artifacts-destination": store.artifacts.as_uri(),
        "--host": "0.0.0.0",
        "--port": "5050",
        "--workers": "1",
    }
    with pytest.raises(TrackingError, match="Open that address"):
        ui_command(Store(store.home, "http://127.0.0.1:5000"), 5050)
    told = ui_environment(store)
    assert told["MLFLOW_BACKEND_STORE_URI"] == store.tracking_uri
    assert (told["PYTHONSAFEPATH"], told["MLFLOW_DISABLE_TELEMETRY"]) == ("1", "true")


def test_no_password_stands_among_the_arguments_of_the_ui(tmp_path: Path) -> None:
    store = Store(tmp_path, "postgresql://me:hidden@host/studies")
    assert "hidden" not in " ".join(ui_command(store, 5050))


@pytest.mark.parametrize(("study", "folder"), [("movies", "movies"), ("v1.2", "v1.2")])
def test_a_plain_name_is_its_folder(study: str, folder: str) -> None:
    assert artifact_folder(study) == folder


def test_a_number_is_not_the_folder_of_mlflows_own_experiment() -> None:
    assert artifact_folder("0") == "0-5feceb66"
