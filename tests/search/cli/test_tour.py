"""The commands one after another on one study; the first in a process of its own."""

from __future__ import annotations

import json
import sqlite3
import subprocess
from pathlib import Path

import pytest
from calling import TRIALBOOK, Here, call


def test_the_whole_tour(ratings_file: Path, home: Path, tmp_path: Path, here: Here) -> None:
    """search, again, show, studies, compare, reproduce, tampered, delete."""
    at = ["--home", str(home)]
    search = ["search", "--study", "tour", "--data", str(ratings_file), "--epochs", "4"]
    command = [*search, "--trials", "2", "--sampler", "random", *at, "--json"]
    first = json.loads(call(*command).stdout)
    assert first["n_complete"] == 2
    assert first["best_value"] > 0
    assert {"study", "best_trial", "tracking_uri", "experiment_id", "parent_run_id"} <= set(first)
    assert here("search", "--study", "tour", "--trials", "2", *at) == {**first, "new_trials": 0}
    shown = here("show", "tour", *at)
    assert [t["number"] for t in shown["trials"]] == [0, 1]
    assert here("show", "tour", "1", *at)["curve"]
    stored, none = ["--storage", f"sqlite:///{home / 'optuna.db'}"], tmp_path / "none"
    from_elsewhere = here("show", "tour", *stored, "--home", str(none))
    assert from_elsewhere["trials"] == shown["trials"]
    assert here("compare", "tour", *stored, "--home", str(none))["differ"] == []
    assert not none.exists()  # what only reads makes no home
    listed = here("studies", *at)["studies"]
    assert [(s["study"], s["trials"], s["target"]) for s in listed] == [("tour", 2, 2)]
    compared = here("compare", "tour", *at)
    assert compared["studies"]["tour"]["trial"] == first["best_trial"]

    same = here("reproduce", "tour:1", *at)
    assert same["reproduced"] is True
    assert same["got"] == same["expected"]
    assert Path(same["picture"]).stat().st_size > 10_000

    other, run_id = tmp_path / "other.csv", shown["trials"][1]["run_id"]
    lines = ratings_file.read_text().splitlines()
    other.write_text("\n".join(lines[:-200]) + "\n")
    changed = here("reproduce", run_id, "--data", str(other), *at, code=1)
    assert changed["reproduced"] is False
    assert any(line.startswith("data:") for line in changed["drift"])

    connection = sqlite3.connect(home / "optuna.db")
    connection.execute("UPDATE trial_values SET value = value - 0.1")
    connection.commit()
    connection.close()
    # Other times, which no model reads: the hash differs, the training does not.
    other.write_text(ratings_file.read_text().replace(",1000", ",2000"))
    tampered = here("reproduce", "tour:1", "--data", str(other), *at, code=1)
    assert tampered["reproduced"] is False
    assert tampered["got"] == same["got"]
    assert any("altered" in line for line in tampered["drift"])
    assert any(line.startswith("data:") for line in tampered["drift"])

    asked = subprocess.run(
        [*TRIALBOOK, "delete", "tour", *at], input="n\n", capture_output=True, text=True
    )
    assert asked.returncode == 1
    assert "Nothing deleted" in asked.stdout
    unanswered = subprocess.run(
        [*TRIALBOOK, "delete", "tour", *at, "--json"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    assert unanswered.returncode == 2
    assert unanswered.stdout == ""
    assert "Use `--yes`" in unanswered.stderr
    here("delete", "tour", "--yes", *at)
    assert here("studies", *at) == {"studies": [], "damaged": []}
    here("show", "tour", *at, code=2)


@pytest.mark.slow
def test_the_tour_under_a_home_whose_path_needs_quoting(
    ratings_file: Path, home: Path, tmp_path: Path, here: Here
) -> None:
    """search, the best model alone kept, winner, export, reproduce, compare, ui, delete."""
    odd = home.rename(tmp_path / "my runs 50%20 #1 été {0}")
    data = tmp_path / "ratings 100% #2 é.csv"
    data.write_bytes(ratings_file.read_bytes())
    at = ["--home", str(odd)]
    made = ["--data", str(data), "--epochs", "4", "--sampler", "random", "--workers", "1"]
    search = ["search", "--study", "odd 1", "--keep-models", "best", *made, *at]
    first = here(*search, "--trials", "4")
    assert first["n_complete"] == 4
    assert len(list(odd.rglob("model.keras"))) == 1  # the others' files are gone
    assert [t["number"] for t in here("show", "odd 1", *at)["trials"]] == [0, 1, 2, 3]
    assert here("show", "odd 1", "1", *at)["curve"]
    assert here("compare", "odd 1", *at)["studies"]["odd 1"]["trial"] == first["best_trial"]
    assert here("reproduce", "odd 1:1", *at)["reproduced"] is True
    table = tmp_path / "out 50% #1.csv"
    here("export", "odd 1", "--format", "csv", "--output", str(table), *at)
    assert len(table.read_text().splitlines()) == 5
    won = here("winner", "odd 1", "--top", "1", "--repeats", "2", *at)
    assert won["test"]
    again = ["search", "--study", "next", "--warm-start", "odd 1", *made, *at]
    assert here(*again, "--trials", "2")["n_complete"] == 2
    here("delete", "odd 1", "--yes", *at)
    assert [s["study"] for s in here("studies", *at)["studies"]] == ["next"]
    left = [p for p in odd.rglob("model.keras") if "next" not in str(p)]
    assert not left
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted([data.name, odd.name, table.name])


def test_baseline_on_other_ratings_is_recorded_first_and_compared_then(
    ratings_file: Path, home: Path, here: Here
) -> None:
    command = ["reproduce", "baseline", "--data", str(ratings_file), "--home", str(home)]
    recorded = here(*command, code=1)
    assert any("0.8396 belongs to MUBI" in note for note in recorded["notes"])
    assert any("recorded just now" in note for note in recorded["notes"])
    compared = here(*command)
    assert compared["reproduced"] is True
    assert compared["got"] == compared["expected"] == recorded["got"]
