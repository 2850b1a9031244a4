"""Names of any kind through the commands that train: a study, a trial again, a report."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from calling import TRIALBOOK

COMMANDS = (
    ["search", "--trials", "3", "--epochs", "1", "--sampler", "random", "--study", "named",
     "--model", "named:Named", "--objective", "val_loss:min"],
    ["search", "--trials", "3", "--dry-run", "--study", "dry",
     "--model", "named:Named", "--objective", "val_loss:min"],
    ["show", "named", "1"],
    ["reproduce", "named:1"],
    ["report", "named"],
    ["doctor"],
)  # fmt: skip


@pytest.mark.slow
def test_parameters_of_every_name_are_trained_and_leave_no_folder(tmp_path: Path) -> None:
    around = tmp_path / "around"
    around.mkdir()
    for words in COMMANDS:
        told = subprocess.run(
            [*TRIALBOOK, *words, "--home", "home"],
            cwd=around, capture_output=True, text=True, timeout=300, check=False,
        )  # fmt: skip
        said = told.stdout + told.stderr
        assert told.returncode == 0, (words, said)
        assert "Traceback" not in said
        assert all(letter.isprintable() or letter == "\n" for letter in said), words
    beside = {path.name for path in around.iterdir()} - {"home"}
    assert beside == {"named.html"}
    page = (around / "named.html").read_text(encoding="utf-8")
    assert "<script>alert(1)</script>" not in page
    assert not (tmp_path / "escape").exists()
