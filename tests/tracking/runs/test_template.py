"""MLflow's empty tables are made once, and copied for every other home."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tracking import Store
from tracking.runs.template import copied


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "cache"
    monkeypatch.setenv("TRIALBOOK_CACHE", str(folder))
    return folder


def _tables(path: Path) -> None:
    """What MLflow would make, as far as it is read here."""
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(
            "CREATE TABLE experiments (experiment_id, artifact_location, creation_time, "
            "last_update_time)"
        )
        connection.execute("INSERT INTO experiments VALUES (0, '/first/0', 1, 1)")


def _never(path: Path) -> None:
    raise AssertionError("made anew")


def _location(path: Path) -> tuple[str, int]:
    with closing(sqlite3.connect(path)) as connection:
        query = "SELECT artifact_location, creation_time FROM experiments"
        place, made = connection.execute(query).fetchone()
    return place, made


def test_the_second_database_is_a_copy_with_its_own_folder(tmp_path: Path) -> None:
    copied(tmp_path / "a.db", tmp_path / "a", _tables)
    copied(tmp_path / "b.db", tmp_path / "b" / "artifacts", _never)
    place, made = _location(tmp_path / "b.db")
    assert place == (tmp_path / "b" / "artifacts" / "0").as_uri()
    assert made > 1_700_000_000_000
    assert _location(tmp_path / "a.db") == ("/first/0", 1)


@pytest.mark.parametrize("damage", [b"", b"no database at all", b"SQLite format 3\x00" + b"x" * 9])
def test_a_damaged_copy_is_made_anew_and_kept(tmp_path: Path, cache: Path, damage: bytes) -> None:
    copied(tmp_path / "a.db", tmp_path / "a", _tables)
    (kept,) = cache.iterdir()
    kept.write_bytes(damage)
    copied(tmp_path / "b.db", tmp_path / "b", _tables)
    assert _location(tmp_path / "b.db") == ("/first/0", 1)
    copied(tmp_path / "c.db", tmp_path / "c", _never)


def test_a_cache_that_cannot_be_written_costs_time_and_no_more(tmp_path: Path, cache: Path) -> None:
    cache.write_text("a file where a folder should be")
    for name in ("a.db", "b.db"):
        copied(tmp_path / name, tmp_path, _tables)
        assert _location(tmp_path / name) == ("/first/0", 1)


def test_two_homes_of_mlflow_itself(tmp_path: Path) -> None:
    for name in ("first", "second"):
        store = Store(tmp_path / name)
        store.prepare()
        (experiment,) = store.client().search_experiments()
        place = (tmp_path / name / "artifacts" / "0").as_uri()
        assert experiment.artifact_location == place
        run = store.client().create_run("0")
        assert run.info.artifact_uri.startswith(place)
