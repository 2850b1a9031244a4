"""Where MLflow's tables say that a home's artifacts are."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tracking import Store
from tracking.runs.home.moved import follow

AWKWARD = ["a%41b", "a b", "a#b?c=d", "ä%2e%2e"]


@pytest.mark.parametrize("name", AWKWARD)
def test_a_run_of_mlflows_own_experiment_has_its_files_in_the_home(
    name: str, tmp_path: Path
) -> None:
    store = Store(tmp_path / name / "home")
    store.prepare()
    run = store.client().create_run("0").info.run_id
    store.client().log_text(run, "text", "note.txt")
    (kept,) = tmp_path.rglob("note.txt")
    assert kept.is_relative_to(store.artifacts)


def test_a_home_of_an_earlier_version_gets_an_address_in_place_of_a_path(tmp_path: Path) -> None:
    artifacts = tmp_path / "a%41b" / "artifacts"
    artifacts.mkdir(parents=True)
    database = artifacts.parent / "mlflow.db"
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("CREATE TABLE experiments (experiment_id, artifact_location)")
        connection.execute("INSERT INTO experiments VALUES (0, ?)", (str(artifacts / "0"),))
    follow(database, artifacts)
    with closing(sqlite3.connect(database)) as connection:
        (place,) = connection.execute("SELECT artifact_location FROM experiments").fetchone()
    assert place == (artifacts / "0").as_uri()
    assert "%2541" in place
