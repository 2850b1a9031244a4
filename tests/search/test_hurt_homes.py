"""Homes that were moved, copied, made read-only or damaged."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import pytest
from calling import Here, call
from stores import disagreements

from search import StudyConfig
from search.storage.studies import Studies
from search.storage.study_attributes import config_of
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


@pytest.mark.slow
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


@pytest.mark.parametrize("folder", ["", "sub"])
def test_the_homes_own_database_named_as_the_record_stays_each_copys_own(
    folder: str, tmp_path: Path, ratings_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    named = (
        f"sqlite:///{Path(folder) / 'mlflow.db'}" if folder else f"sqlite:///{tmp_path}/mlflow.db"
    )
    home = tmp_path / folder
    config = StudyConfig(
        name="movies", data=str(ratings_file), trials=1, epochs=1, sampler="random", workers=1,
        tracking_uri=named, keep_models="none",
    )  # fmt: skip
    run_study(config, home=home)
    stored = config_of(Studies(Store(home)).get("movies"))
    assert stored.tracking_uri is None
    elsewhere = Studies(Store(tmp_path / "copy"))
    assert elsewhere.store_of(stored).tracking_uri == Store(tmp_path / "copy").tracking_uri


def test_another_sqlite_file_as_the_record_is_found_from_any_folder(
    home: Path, tmp_path: Path, ratings_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    config = StudyConfig(
        name="movies", data=str(ratings_file), trials=1, epochs=1, sampler="random", workers=1,
        tracking_uri="sqlite:///other.db", keep_models="none",
    )  # fmt: skip
    run_study(config, home=home)
    stored = config_of(Studies(Store(home)).get("movies"))
    assert stored.tracking_uri == f"sqlite:///{tmp_path}/other.db"
    # The home's own database can be named in its place, though it is also what is usual.
    own = Store(home).tracking_uri
    assert Studies(Store(home, own)).store_of(stored).tracking_uri == own
    assert Studies(Store(home)).store_of(stored).tracking_uri == stored.tracking_uri


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


@pytest.fixture
def copied(study_home: Path, tmp_path: Path) -> Path:
    """A copy of the home, its databases in one file each."""
    copy = tmp_path / "home"
    shutil.copytree(study_home, copy, ignore=shutil.ignore_patterns("*.db*"))
    for name in ("optuna.db", "mlflow.db"):
        with (
            closing(sqlite3.connect(study_home / name)) as source,
            closing(sqlite3.connect(copy / name)) as target,
        ):
            source.backup(target)
    return copy


def test_a_home_that_cannot_be_written_to_is_read(
    copied: Path, tmp_path: Path, here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    may = os.access

    def access(path: str | Path, mode: int, **more: bool) -> bool:
        return not (mode & os.W_OK and Path(path) == copied) and may(path, mode, **more)

    monkeypatch.setattr(os, "access", access)
    before = everything(copied)
    home = ("--home", str(copied))
    assert [row["study"] for row in here("studies", *home)["studies"]] == ["movies"]
    assert len(here("show", "movies", *home)["trials"]) == 2
    assert here("show", "movies", "1", *home)["state"] == "complete"
    here("compare", "movies", *home)
    out = tmp_path / "trials.csv"
    here("export", "movies", "--output", str(out), *home)
    assert len(out.read_text().splitlines()) == 3
    assert here("doctor", *home)["findings"] == []
    here("search", "--study", "movies", "--trials", "5", *home, code=2)
    assert "is read-only. Choose another folder or change its permissions." in here.errors
    assert everything(copied) == before


@pytest.mark.slow
def test_a_home_on_a_read_only_file_system_is_read(copied: Path, tmp_path: Path) -> None:
    place = tmp_path / "mounted"
    place.mkdir()
    for options in (["--bind", str(copied)], ["-o", "remount,ro,bind"]):
        done = subprocess.run(["mount", *options, str(place)], capture_output=True, check=False)
        if done.returncode:
            pytest.skip("needs the right to mount a file system")
    try:
        shown = json.loads(call("show", "movies", "--json", "--home", str(place)).stdout)
        assert len(shown["trials"]) == 2
        call("search", "--study", "movies", "--trials", "5", "--home", str(place), code=2)
    finally:
        subprocess.run(["umount", "-l", str(place)], check=False)


@pytest.mark.parametrize("where", ["cut", "overwritten"])
def test_a_damaged_database_is_told_with_the_ways_out(where: str, copied: Path, here: Here) -> None:
    database = copied / "optuna.db"
    content = database.read_bytes()
    half = len(content) // 2
    database.write_bytes(content[:half] + (b"" if where == "cut" else b"x" * half))
    for command in (("show", "movies"), ("doctor",), ("search", "--study", "movies")):
        here(*command, "--home", str(copied), code=2)
        assert "A study's databases must be whole" in here.errors
        assert f"{database} is damaged" in here.errors
        assert "`sqlite3 FILE .recover`" in here.errors
    assert len(list((copied / "artifacts").glob("movies/*"))) > 2  # nothing was thrown away


def _older(database: Path, backup: Path) -> None:
    """Write a database as it was while trial 1 ran, whose process then ended."""
    with closing(sqlite3.connect(database)) as read, closing(sqlite3.connect(backup)) as written:
        read.backup(written)
        (trial,) = written.execute("SELECT trial_id FROM trials WHERE number = 1").fetchone()
        written.execute(
            "UPDATE trials SET state = 'RUNNING', datetime_complete = NULL WHERE number = 1"
        )
        written.execute("DELETE FROM trial_values WHERE trial_id = ?", (trial,))
        written.execute(
            "UPDATE trial_user_attributes SET value_json = json_set(value_json, '$.pid', 4194305) "
            "WHERE trial_id = ? AND key = 'trialbook:owner'",
            (trial,),
        )
        written.commit()
        written.execute("VACUUM")


def test_a_lone_older_backup_is_put_in_place_by_the_advice_and_mended(
    copied: Path, tmp_path: Path, here: Here
) -> None:
    database, backup = copied / "optuna.db", tmp_path / "backup.db"
    _older(database, backup)
    stale = tmp_path / "stale"
    with closing(sqlite3.connect(database)) as killed:  # what a killed process leaves
        killed.execute("PRAGMA journal_mode=WAL")
        killed.execute("CREATE TABLE later (text)")
        killed.executemany("INSERT INTO later VALUES (?)", [("x" * 3000,)] * 200)
        killed.commit()
        shutil.copyfile(copied / "optuna.db-wal", stale)
    home = ("--home", str(copied))
    shutil.copyfile(backup, database)
    shutil.copyfile(stale, copied / "optuna.db-wal")
    here("studies", *home, code=2)  # the backup is whole, but not beside the stale file
    assert f"{database} is damaged" in here.errors
    assert "Move optuna.db away first, together with optuna.db-wal and optuna.db-shm" in here.errors
    for path in copied.glob("optuna.db*"):
        path.unlink()
    shutil.copyfile(backup, database)
    found = here("doctor", "--fix", *home)
    assert found["left"] == 0
    assert any("Trial 1 " in each["text"] and each["is_mended"] for each in found["findings"])
    assert here("doctor", *home)["findings"] == []
    wrong = disagreements(copied, "movies", 2)
    assert "1 finished trials of 2" in wrong  # trial 1 is queued again
    assert [each for each in wrong if each.startswith("trial ")] == []


@pytest.mark.slow
def test_a_home_on_a_full_disk_is_read_and_else_the_disk_is_told(
    copied: Path, tmp_path: Path
) -> None:
    place = tmp_path / "small"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=24m", "none", str(place)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("needs the right to mount a file system")
    try:
        shutil.copytree(copied, place, dirs_exist_ok=True)
        for name in ("optuna.db", "mlflow.db"):
            with closing(sqlite3.connect(place / name)) as connection:
                connection.execute("PRAGMA journal_mode=WAL")  # so that a file `-shm` is needed
        with contextlib.suppress(OSError), (place / "ballast").open("wb", buffering=0) as ballast:
            while ballast.write(b"x" * 4096):
                pass
        home = ("--home", str(place))
        assert len(json.loads(call("show", "movies", "--json", *home).stdout)["trials"]) == 2
        for command in (("studies",), ("compare", "movies"), ("doctor",)):
            call(*command, *home)
        for command in (("delete", "movies", "--yes"), ("doctor", "--fix")):
            assert f"the disk of {place} is full" in call(*command, *home, code=75).stderr
    finally:
        subprocess.run(["umount", "-l", str(place)], check=False)


@pytest.mark.slow
def test_a_study_whose_storage_was_lost_begins_beside_what_the_record_holds(
    copied: Path, ratings_file: Path
) -> None:
    (copied / "optuna.db").unlink()
    first = Store(copied).client()
    experiment = first.get_experiment_by_name("movies").experiment_id
    before = {run.info.run_id for run in first.search_runs([experiment])}
    done = call(
        "search", "--study", "movies", "--trials", "2", "--epochs", "2", "--sampler", "random",
        "--data", str(ratings_file), "--home", str(copied),
    )  # fmt: skip
    assert "MLflow has the record of an earlier study 'movies'" in done.stderr
    assert "the study begins anew" in done.stderr
    found = json.loads(call("doctor", "--json", "--home", str(copied)).stdout)
    assert found["findings"] == []
    runs = first.search_runs([experiment])
    parents = [run for run in runs if run.data.tags["trialbook.role"] == "study"]
    assert len(parents) == 2
    assert len({run.data.tags["trialbook.identity"] for run in parents}) == 2
    assert len(before) == 3
    assert before < {run.info.run_id for run in runs}
