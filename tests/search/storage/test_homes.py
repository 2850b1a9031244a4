"""A home that an earlier version wrote is read, gone on with and cleared by this one."""

from __future__ import annotations

import json
import shutil
import sqlite3
from pathlib import Path

import pandas as pd
import pytest
from calling import Here
from homes import unpack
from stores import disagreements

from search.cli.main import run
from tracking import Store

STATES = {
    "mine": "complete failed failed pruned killed failed pruned complete pruned pruned complete "
    "failed pruned complete pruned",
    "own": "complete failed pruned failed killed complete failed pruned complete failed",
    "half": "complete failed failed pruned killed queued",
}


@pytest.fixture(scope="module")
def old_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("old")
    unpack("before_rooms.tar.xz", folder)
    return folder


@pytest.fixture
def inside(old_home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A test works where the home lies, as its user did: the ratings' path is a relative one."""
    monkeypatch.chdir(old_home)
    monkeypatch.syspath_prepend(str(old_home))
    return old_home


@pytest.fixture
def copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of its own, for what changes it."""
    unpack("before_rooms.tar.xz", tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def test_its_studies_are_listed(inside: Path, here: Here) -> None:
    rows = {row["study"]: row for row in here("studies")["studies"]}
    assert list(rows) == ["half", "mine", "own"]
    assert [rows[name]["trials"] for name in rows] == [4, 14, 9]
    assert rows["mine"]["best_value"] == pytest.approx(0.5045217, abs=1e-7)
    assert (rows["own"]["best_trial"], rows["own"]["objective"]) == (8, "best_val_loss")


@pytest.mark.parametrize("study", list(STATES))
def test_its_trials_are_shown_as_they_ended(study: str, inside: Path, here: Here) -> None:
    trials = here("show", study)["trials"]
    assert " ".join(trial["state"] for trial in trials) == STATES[study]
    assert all(trial["message"] for trial in trials if trial["state"] == "failed")
    for trial in trials:
        if trial["state"] in ("complete", "pruned"):
            whole = here("show", study, str(trial["number"]))
            assert trial["epochs"] == len(whole["curve"]) > 0
            assert trial["tags"]["trialbook.python"].startswith("3.11")


def test_its_reused_trials_say_so_in_their_runs(inside: Path, here: Here) -> None:
    client = Store(inside / "mlruns").client()
    reused = {}
    for trial in here("show", "mine")["trials"]:
        tags = client.get_run(trial["run_id"]).data.tags
        if "trialbook.reused" in tags:
            reused[trial["number"]] = tags["trialbook.reused"]
    assert reused == {8: "3", 10: "7", 13: "7", 14: "3"}


def test_its_models_predict(inside: Path, here: Here) -> None:
    told = here("predict", "mine", "--user", "105", "--top", "1")
    assert told["model"]["said"] == "the winner of mine (trial 7), in MLflow mine, version 1"
    assert (told["items"][0]["movie"], told["rated"]) == (7008, 13)
    reused, trained = (here("predict", f"mine:{n}", "--user", "105") for n in (10, 7))
    assert reused["model"]["said"] == "trial 10 of mine, trained as trial 7"
    assert reused["items"] == trained["items"]
    here("predict", "mine:3", "--user", "105", code=2)
    assert "mine:3 has none: it is pruned" in here.errors


def test_its_best_are_compared_and_its_trials_exported(inside: Path, here: Here) -> None:
    compared = here("compare", "mine", "half")
    assert compared["studies"]["mine"]["trial"] == 7
    assert compared["same_data"] is True
    here("export", "mine", "--output", "mine.csv")
    table = pd.read_csv("mine.csv")
    assert list(table["state"]) == STATES["mine"].split()
    here("export", "mine", "--format", "keras-tuner", "--output", "best.json")
    assert json.loads(Path("best.json").read_text())["values"]["family"] in ("gmf", "mlp")


def test_its_winner_stands(inside: Path, here: Here) -> None:
    verdict = here("winner", "mine")
    assert verdict["decided_now"] is False
    assert (verdict["number"], verdict["model"]) == (7, "mine/1")
    assert [score["name"] for score in verdict["test"]] == [
        "winner",
        "baseline",
        "global_mean",
        "biases",
    ]


def test_its_finished_study_is_not_run_again(inside: Path, here: Here) -> None:
    done = here("search", "mine.toml")
    assert (done["n_complete"], done["n_pruned"], done["n_failed"]) == (4, 6, 4)
    assert len(here("show", "mine")["trials"]) == 15


@pytest.mark.parametrize("target", ["mine:7", "own:2"])
def test_its_trials_are_trained_again(target: str, copy: Path, here: Here) -> None:
    """To the last bit on the machine that recorded them; on another processor nearly so."""
    study, _, number = target.partition(":")
    recorded = here("show", study, number)["value"]
    try:
        again = here("reproduce", target)
    except AssertionError:
        again = here("reproduce", target, code=1)
    assert again["expected"] == recorded
    assert again["got"] == pytest.approx(recorded, abs=5e-3)
    assert not [line for line in again["drift"] if line.startswith(("data", "record", "threads"))]


def test_a_study_that_was_stopped_goes_on_with_what_waited(copy: Path, here: Here) -> None:
    before = {trial["number"]: trial for trial in here("show", "half")["trials"]}
    done = here("search", "mine.toml", "--study", "half", "--trials", "8", "--keep-models", "none")
    assert done["interrupted"] is False
    trials = here("show", "half")["trials"]
    assert sum(trial["state"] in ("complete", "pruned", "failed") for trial in trials) == 8
    for number in range(5):
        assert trials[number] == before[number]
    # The interrupted configuration was tried again, under its slot and seed.
    assert trials[5]["params"] == trials[4]["params"]
    for tag in ("trialbook.slot", "trialbook.seed"):
        assert trials[5]["tags"][tag] == trials[4]["tags"][tag]
    # By the trainer of before the compiled one, so that values of a study stay comparable.
    trained = {trial["tags"].get("trialbook.trainer") for trial in trials[5:]}
    assert trained == {"fast", None}  # None is of those that are no longer run
    client = Store(copy / "mlruns").client()
    assert client.get_run(done["parent_run_id"]).info.status == "FINISHED"
    # Random proposals go by slots: the ninth and later ones are those of the whole study.
    whole = {t["tags"]["trialbook.slot"]: t["params"] for t in here("show", "mine")["trials"]}
    for trial in trials:
        assert trial["params"] == whole[trial["tags"]["trialbook.slot"]]


def test_a_study_of_an_own_model_goes_on(copy: Path, here: Here) -> None:
    done = here("search", "--study", "own", "--trials", "11")
    assert len(here("show", "own")["trials"]) == 12
    assert done["n_complete"] + done["n_pruned"] + done["n_failed"] == 11


def test_it_is_deleted_from_both_stores(copy: Path, here: Here) -> None:
    shutil.rmtree(copy / "mlruns" / "artifacts" / "half")  # lost before; no reason to fail
    for study in ("mine", "half"):
        here("delete", study, "--yes")
        assert not (copy / "mlruns" / "artifacts" / study).exists()
    assert [row["study"] for row in here("studies")["studies"]] == ["own"]
    names = {found.name for found in Store(copy / "mlruns").client().search_experiments()}
    assert names == {"Default", "own"}


def test_a_study_whose_record_is_lost_gets_no_winner_and_can_be_deleted(
    copy: Path, here: Here, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing is trained for it, and no database is made at an address that has none."""

    def refused(*arguments: str) -> str:
        assert run([*arguments]) == 2
        return " ".join(capsys.readouterr().err.split())

    lost, mistyped = copy / "mlruns" / "mlflow.db", copy / "mlfow.db"
    told = refused("delete", "mine", "--yes", "--tracking-uri", f"sqlite:///{mistyped}")
    assert "Name the record's address with `--tracking-uri`" in told
    assert not mistyped.exists()
    client = Store(copy / "mlruns").client()
    client.delete_experiment(client.get_experiment_by_name("half").experiment_id)
    told = refused("winner", "half")
    assert "MLflow has no run of 'half' in" in told
    assert "Training" not in told
    lost.unlink()
    assert "MLflow has no run of 'half' in" in refused("winner", "half")
    assert "`--lost-record` deletes the study alone" in refused("delete", "mine", "--yes")
    here("delete", "mine", "--yes", "--lost-record")
    assert not lost.exists()
    assert [row["study"] for row in here("studies")["studies"]] == ["half", "own"]


def test_a_killed_study_of_another_machine_goes_on_with_its_lease_and_its_spool(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, here: Here
) -> None:
    unpack("leases.tar.xz", tmp_path)
    with sqlite3.connect(tmp_path / "mlruns" / "optuna.db") as database:  # of no start of this one
        database.execute(
            "UPDATE trialbook_leases SET about = replace(about, '60c72d3f', 'ffffffff')"
        )
        ((about,),) = database.execute("SELECT about FROM trialbook_leases").fetchall()
    database.close()
    assert "ffffffff" in about
    monkeypatch.chdir(tmp_path)
    before = here("show", "cut")["trials"]
    assert [t["state"] for t in before].count("killed") == 1
    assert here("doctor", "cut", code=1)["left"] > 0
    done = here("search", "--study", "cut", "--data", "ratings.csv")
    assert "An earlier process left 25 writes of the record" in here.errors
    assert "was interrupted earlier; its configuration is queued again." in here.errors
    assert done["n_complete"] + done["n_pruned"] == 12
    after = here("show", "cut")["trials"]
    for old, new in zip(before, after, strict=False):
        assert (old["value"], old["params"]) == (new["value"], new["params"])
    assert disagreements(tmp_path / "mlruns", "cut", 12) == []
    assert here("doctor", "cut")["findings"] == []
