"""A study of which a part cannot be read: its record, its box in the spool, or Optuna's storage."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import optuna
import pytest
from calling import Here

from search.cli.main import run
from search.storage.studies import Studies
from search.storage.study_attributes import config_of, write_config
from tracking import Store
from tracking.spool.box import Box
from tracking.spool.entries import Entry, Kind

AWAY = "http://127.0.0.1:9"


@pytest.fixture
def away(ill: Path) -> Path:
    """A second study in the home, whose record is on a server that is not there."""
    studies = Studies(Store(ill))
    first = studies.get("ill")
    optuna.copy_study(
        from_study_name="ill", from_storage=studies.storage, to_storage=studies.storage,
        to_study_name="away",
    )  # fmt: skip
    second = optuna.load_study(study_name="away", storage=studies.storage)
    write_config(second, config_of(first).at(name="away", tracking_uri=AWAY))
    box = Box.make(Store(ill).spool, "away")
    box.put(Entry(kind=Kind.PARAMETERS, run="away#1", params={"late": 7}))
    box.close()
    return ill


def test_a_record_out_of_reach_hides_no_other_study(away: Path, here: Here) -> None:
    client = Store(away).client()
    experiment = client.get_experiment_by_name("ill").experiment_id
    trial, *_ = client.search_runs([experiment], "tags.`trialbook.role` = 'trial'")
    client.update_run(trial.info.run_id, status="RUNNING")
    told = here("doctor", "--home", str(away), code=1)["findings"]
    assert [(each["study"], each["topic"], each["is_mendable"]) for each in told] == [
        ("away", "spool", True),
        ("away", "study", False),
        ("ill", "record", True),
    ]
    assert AWAY in told[1]["text"]
    assert "The address is stored with the study" in told[1]["text"]
    assert "leave it out" not in told[1]["text"]
    named = ("--tracking-uri", AWAY)
    (*_, found) = here("doctor", "away", "--home", str(away), *named, code=1)["findings"]
    assert "Start the server or correct the address; leave it out" in found["text"]


@pytest.mark.parametrize("is_known", [True, False])
def test_a_box_without_its_study_is_delivered_by_its_entries_or_told(
    is_known: bool, ill: Path, here: Here
) -> None:
    box = Box.make(Store(ill).spool, "ill")
    run_id = "ill#1" if is_known else "0" * 32  # which is MLflow's, and names no study
    box.put(Entry(kind=Kind.PARAMETERS, run=run_id, params={"late": 7}))
    box.close()
    (box.path / "box.json").write_text("")
    found = here("doctor", "--fix", "--home", str(ill), code=0 if is_known else 1)["findings"]
    assert (found[0]["study"], found[0]["topic"]) == ("ill" if is_known else "", "spool")
    assert found[0]["is_mended"] == is_known
    assert (str(box.path) in found[0]["text"]) != is_known
    assert box.path.exists() != is_known


def _of_optuna(home: Path) -> list[Path]:
    return list(home.glob("optuna.db*"))


@pytest.mark.parametrize(
    ("state", "told"),
    [
        ("gone", "is gone"),
        ("empty", "is empty (0 bytes)"),
        ("without studies", "does not hold"),  # as after the loss of what SQLite keeps beside it
    ],
)
def test_a_home_that_lost_optunas_database_says_so(
    state: str,
    told: str,
    done: Path,
    tmp_path: Path,
    here: Here,
    capsys: pytest.CaptureFixture[str],
) -> None:
    home = tmp_path / "mlruns"
    shutil.copytree(done, home, ignore=shutil.ignore_patterns("optuna.db*"))
    if state == "empty":
        (home / "optuna.db").touch()
    elif state == "without studies":
        optuna.storages.RDBStorage(f"sqlite:///{home / 'optuna.db'}").engine.dispose()
    before = {path: path.stat().st_size for path in _of_optuna(home)}
    for fix in ((), ("--fix",)):
        (found,) = here("doctor", *fix, "--home", str(home), code=1)["findings"]
        assert (found["study"], found["is_mendable"]) == ("ill", False)
        assert f"optuna.db {told}" in found["text"]
        assert "and put a backup in its place" in found["text"]
    here("show", "ill", "--home", str(home), code=2)
    assert f"mlflow.db has the record of ill. Its optuna.db {told}" in here.errors
    assert run(["studies", "--home", str(home)]) == 0
    said = capsys.readouterr().out
    assert f"mlflow.db has the record of ill. Its optuna.db {told}" in said
    assert "Start one" not in said
    if state != "without studies":
        assert {path: path.stat().st_size for path in _of_optuna(home)} == before


def test_a_file_that_is_no_database_is_told_with_the_ways_out(tmp_path: Path, here: Here) -> None:
    (tmp_path / "optuna.db").write_bytes(random.Random(3).randbytes(5000))
    for command in (("studies",), ("doctor",)):
        here(*command, "--home", str(tmp_path), code=2)
        assert "damaged (file is not a database)" in here.errors
        assert f"{tmp_path}/optuna.db is damaged" in here.errors
        assert "Move optuna.db away first, together with optuna.db-wal" in here.errors
        assert "Put a copy of it in its place" in here.errors
    here("studies", "--storage", f"sqlite:///{tmp_path}/optuna.db", code=2)
    assert "`storage` must be a database that Optuna can open" in here.errors


def test_a_record_that_is_a_folder_is_told_and_not_taken_for_one_that_lacks_all(
    ill: Path, here: Here
) -> None:
    for path in ill.glob("mlflow.db*"):
        path.unlink()
    (ill / "mlflow.db").mkdir()
    for fix in ((), ("--fix",)):
        (found,) = here("doctor", *fix, "--home", str(ill), code=1)["findings"]
        assert (found["topic"], found["is_mendable"]) == ("study", False)
        assert f"{ill}/mlflow.db is a folder. Move it away" in found["text"]
    assert (ill / "mlflow.db").is_dir()
