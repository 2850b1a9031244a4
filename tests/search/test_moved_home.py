"""A home that was moved, renamed or copied goes on where it is, and touches no other."""

from __future__ import annotations

import hashlib
import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from calling import call

from search import StudyConfig
from search.study.run import run_study
from tracking import Store


@pytest.fixture(scope="module")
def study_home(tmp_path_factory: pytest.TempPathFactory, ratings_file: Path) -> Path:
    """A study of two trials, each with its model, in a folder whose name needs quoting."""
    home = tmp_path_factory.mktemp("first") / "50% of #1 ünd {x}"
    config = StudyConfig(
        name="movies", data=str(ratings_file), trials=2, epochs=2, sampler="random", workers=1,
    )  # fmt: skip
    run_study(config, home=home)
    return home


def everything(home: Path) -> dict[str, str]:
    """The hash of each file of a home; of a database, that of its rows."""
    return {
        str(path.relative_to(home)): hashlib.sha256(_content(path)).hexdigest()
        for path in sorted(home.rglob("*"))
        if path.is_file() and not path.name.endswith(("-shm", "-wal"))
    }


def _content(path: Path) -> bytes:
    if path.suffix != ".db":
        return path.read_bytes()
    with closing(sqlite3.connect(path)) as connection:
        return "\n".join(connection.iterdump()).encode()


def places(home: Path) -> list[str]:
    """Where MLflow says that artifacts of the home's runs and models are."""
    asked = (
        "SELECT artifact_uri FROM runs UNION SELECT artifact_location FROM logged_models UNION "
        "SELECT artifact_location FROM experiments"
    )
    with closing(sqlite3.connect(home / "mlflow.db")) as connection:
        return [str(row[0]) for row in connection.execute(asked)]


def belongs(home: Path) -> bool:
    """Whether all artifacts are said to be in the home."""
    ours = (f"{(home / 'artifacts').as_uri()}/", f"{home / 'artifacts'}/")
    return all(place.startswith(ours) for place in places(home))


def test_what_a_copy_deletes_and_trains_stays_out_of_the_first(
    study_home: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(study_home, copy)
    before = everything(study_home)
    # In processes of their own: MLflow keeps where a run's files are for as long as one lives.
    told = call("search", "--study", "movies", "--trials", "3", "--json", "--home", str(copy))
    assert json.loads(told.stdout)["new_trials"] == 1
    assert belongs(copy)
    call("delete", "movies", "--yes", "--home", str(copy))
    assert not list((copy / "artifacts").glob("movies*"))
    assert everything(study_home) == before
    assert belongs(study_home)


def test_a_home_that_was_renamed_goes_on_with_its_models(study_home: Path, tmp_path: Path) -> None:
    first = tmp_path / "first"
    shutil.copytree(study_home, first)
    Store(first).client()
    assert belongs(first)
    renamed = tmp_path / "another name"
    first.rename(renamed)
    call("doctor", "--home", str(renamed))  # in a process that has not seen the first
    client = Store(renamed).client()
    assert belongs(renamed)
    (model, *_) = client.search_logged_models(
        [client.get_experiment_by_name("movies").experiment_id]
    )
    files = {file.path for file in client.list_logged_model_artifacts(model.model_id)}
    assert "MLmodel" in files
    assert not first.exists()


def test_a_link_to_a_home_is_the_home(study_home: Path, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(study_home)
    before = places(study_home)
    Store(link).client()
    assert places(study_home) == before
