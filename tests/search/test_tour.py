"""The commands one after another on one study, each in a process of its own."""

from __future__ import annotations

import json
import sqlite3
import subprocess
from pathlib import Path

from calling import TRIALBOOK, call


def test_the_whole_tour(ratings_file: Path, home: Path, tmp_path: Path) -> None:
    """search, again, show, studies, compare, reproduce, tampered, delete."""
    at = ["--home", str(home), "--json"]
    search = ["search", "--study", "tour", "--data", str(ratings_file), "--epochs", "4"]
    first = json.loads(call(*search, "--trials", "2", "--sampler", "random", *at).stdout)
    assert first["n_complete"] == 2
    assert first["best_value"] > 0
    assert {"study", "best_trial", "tracking_uri", "experiment_id", "parent_run_id"} <= set(first)
    again = json.loads(call("search", "--study", "tour", "--trials", "2", *at).stdout)
    assert again == first
    shown = json.loads(call("show", "tour", *at).stdout)
    assert [t["number"] for t in shown["trials"]] == [0, 1]
    assert json.loads(call("show", "tour", "1", *at).stdout)["curve"]
    listed = json.loads(call("studies", *at).stdout)["studies"]
    assert [(s["study"], s["trials"], s["target"]) for s in listed] == [("tour", 2, 2)]
    compared = json.loads(call("compare", "tour", *at).stdout)
    assert compared["studies"]["tour"]["trial"] == first["best_trial"]

    same = json.loads(call("reproduce", "tour:1", *at).stdout)
    assert same["reproduced"] is True
    assert same["got"] == same["expected"]
    assert Path(same["picture"]).stat().st_size > 10_000

    other, run_id = tmp_path / "other.csv", shown["trials"][1]["run_id"]
    lines = ratings_file.read_text().splitlines()
    other.write_text("\n".join(lines[:-200]) + "\n")
    changed = json.loads(call("reproduce", run_id, "--data", str(other), *at, code=1).stdout)
    assert changed["reproduced"] is False
    assert any(line.startswith("data:") for line in changed["drift"])

    connection = sqlite3.connect(home / "optuna.db")
    connection.execute("UPDATE trial_values SET value = value - 0.1")
    connection.commit()
    connection.close()
    # Other times, which no model reads: the hash differs, the training does not.
    other.write_text(ratings_file.read_text().replace(",1000", ",2000"))
    again = call("reproduce", "tour:1", "--data", str(other), *at, code=1)
    tampered = json.loads(again.stdout)
    assert tampered["reproduced"] is False
    assert tampered["got"] == same["got"]
    assert any("altered" in line for line in tampered["drift"])
    assert any(line.startswith("data:") for line in tampered["drift"])

    asked = subprocess.run(
        [*TRIALBOOK, "delete", "tour", "--home", str(home)],
        input="n\n",
        capture_output=True,
        text=True,
    )
    assert asked.returncode == 1
    assert "Nothing deleted" in asked.stdout
    unanswered = subprocess.run(
        [*TRIALBOOK, "delete", "tour", *at],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    assert unanswered.returncode == 2
    assert unanswered.stdout == ""
    assert "Use `--yes`" in unanswered.stderr
    call("delete", "tour", "--yes", *at)
    assert json.loads(call("studies", *at).stdout) == {"studies": []}
    call("show", "tour", *at, code=2)


def test_baseline_on_other_ratings_is_recorded_first_and_compared_then(
    ratings_file: Path, home: Path
) -> None:
    at = ["--data", str(ratings_file), "--home", str(home), "--json"]
    recorded = json.loads(call("reproduce", "baseline", *at, code=1).stdout)
    assert any("0.8396 belongs to MUBI" in note for note in recorded["notes"])
    assert any("recorded just now" in note for note in recorded["notes"])
    compared = json.loads(call("reproduce", "baseline", *at).stdout)
    assert compared["reproduced"] is True
    assert compared["got"] == compared["expected"] == recorded["got"]
