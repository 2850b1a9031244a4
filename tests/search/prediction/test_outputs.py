"""What a trial left is shown: its files and its model, or why there is none."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from calling import Here
from homes import unpack

from search.cli.main import run

AWAY = "http://me:secret@127.0.0.1:1"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with the study "mine": a model of trial 7, reused by 10; trial 3 was pruned."""
    folder = tmp_path_factory.mktemp("old")
    unpack("before_rooms.tar.xz", folder)
    return folder / "mlruns"


def sizes(folder: str) -> dict[str, int]:
    """The files below a folder, found without Trialbook."""
    top = Path(folder)
    return {
        os.path.relpath(os.path.join(at, name), top): os.stat(os.path.join(at, name)).st_size
        for at, _, names in os.walk(top)
        for name in names
    }


def test_a_trial_has_its_files_and_its_model(home: Path, here: Here) -> None:
    told = here("show", "mine", "7", "--home", str(home))
    assert {file["name"]: file["bytes"] for file in told["files"]} == sizes(told["folder"])
    assert "history.csv" in sizes(told["folder"])
    assert told["run_id"] in told["folder"]
    assert (Path(told["model"]["folder"]) / "MLmodel").is_file()
    assert told["model"]["uri"] == f"models:/{Path(told['model']['folder']).parent.name}"
    assert (told["url"], told["note"]) == (None, None)


def test_a_trial_without_a_model_says_why(home: Path, here: Here) -> None:
    trained = here("show", "mine", "7", "--home", str(home))
    reused = here("show", "mine", "10", "--home", str(home))
    assert reused["model"] == trained["model"]
    assert reused["note"] == "Trained as trial 7."
    pruned = here("show", "mine", "3", "--home", str(home))
    assert pruned["files"]
    assert (pruned["model"], pruned["note"]) == (None, "No model: it is pruned.")
    queued = next(
        trial["number"]
        for trial in here("show", "half", "--home", str(home))["trials"]
        if trial["state"] == "queued"
    )
    told = here("show", "half", str(queued), "--home", str(home))
    assert (told["files"], told["model"]) == (None, None)
    assert told["note"] == "It has no run in MLflow: it is queued."


def test_a_person_is_told_the_same(
    home: Path, capsys: pytest.CaptureFixture[str], here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    known = here("show", "mine", "7", "--home", str(home))
    assert run(["show", "mine", "7", "--home", str(home)]) == 0
    told = capsys.readouterr().out
    for name, size in sizes(known["folder"]).items():
        assert any(name in line and f"{size:,}" in line for line in told.splitlines())
    assert f"They are in {known['folder']}\n" in told
    assert f"Model: {known['model']['uri']}, in {known['model']['folder']}\n" in told
    opens = next(line for line in told.splitlines() if line.startswith("Run "))
    assert opens.startswith(f"Run {known['run_id']} in MLflow: ")
    assert opens.endswith(f"trialbook ui mine 7 --home {home}")


def test_a_home_that_cannot_be_written_to_is_read_where_it_is(
    home: Path, here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = here("show", "mine", "7", "--home", str(home))
    may = os.access

    def access(path: str | Path, mode: int, **more: bool) -> bool:
        return not (mode & os.W_OK and Path(path) == home) and may(path, mode, **more)

    monkeypatch.setattr(os, "access", access)
    told = here("show", "mine", "7", "--home", str(home))
    assert told == known
    assert told["folder"].startswith(str(home.resolve()))


def test_where_mlflow_is_away_the_rest_is_shown(
    home: Path, here: Here, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    known = here("show", "mine", "7", "--home", str(home))
    parent = here("show", "mine", "--home", str(home))
    away = here("show", "mine", "7", "--home", str(home), "--tracking-uri", AWAY)
    changed = ("files", "folder", "model", "note", "url")
    assert {key: value for key, value in away.items() if key not in changed} == {
        key: value for key, value in known.items() if key not in changed
    }
    assert (away["files"], away["folder"], away["model"]) == (None, None, None)
    assert away["note"].startswith("The tracking address must be reachable, but http://me:***@")
    assert away["note"].endswith(" So its files and its model are not known.")
    page = f"http://127.0.0.1:1/#/experiments/{parent['experiment_id']}/runs/{known['run_id']}"
    assert away["url"] == page
    assert run(["show", "mine", "7", "--home", str(home), "--tracking-uri", AWAY]) == 0
    told = capsys.readouterr().out
    assert f"Run {known['run_id']} in MLflow: {page}\n" in told
    assert away["note"] in told
    assert "secret" not in told

    alone = tmp_path / "mlruns"
    alone.mkdir()
    shutil.copy(home / "optuna.db", alone)
    gone = here("show", "mine", "7", "--home", str(alone))
    assert gone["value"] == known["value"]
    assert gone["note"].startswith("There is no record at sqlite:////")
    assert not (alone / "mlflow.db").exists()


def test_a_study_has_an_address_where_a_server_has_its_record(home: Path, here: Here) -> None:
    plain = here("show", "mine", "--home", str(home))
    served = here("show", "mine", "--home", str(home), "--tracking-uri", AWAY)
    assert plain["url"] is None
    assert served["url"].startswith(
        f"http://127.0.0.1:1/#/experiments/{plain['experiment_id']}/runs?"
    )


def test_a_winner_has_the_address_of_its_model(
    home: Path, here: Here, capsys: pytest.CaptureFixture[str]
) -> None:
    assert here("winner", "mine", "--home", str(home))["url"] is None
    page = "http://127.0.0.1:1/#/models/mine/versions/1"
    assert here("winner", "mine", "--home", str(home), "--tracking-uri", AWAY)["url"] == page
    for more, opens in (["--tracking-uri", AWAY], page), ([], f"trialbook ui mine --home {home}"):
        assert run(["winner", "mine", "--home", str(home), *more]) == 0
        (line,) = [each for each in capsys.readouterr().out.splitlines() if "Registered" in each]
        assert line.startswith("Registered in MLflow as mine, version 1 (alias winner): ")
        assert line.endswith(opens)
