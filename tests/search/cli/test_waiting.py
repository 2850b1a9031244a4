"""A terminal shows what a command is at; a file, and who reads JSON, get none of it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from calling import Here

from search import StudyConfig, run_study


@pytest.fixture(scope="module")
def home(ratings_file: Path, empty_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with a study."""
    home = tmp_path_factory.mktemp("waiting") / "mlruns"
    shutil.copytree(empty_home, home)
    data = str(ratings_file)
    run_study(StudyConfig(name="w", trials=2, epochs=2, data=data, sampler="random"), home=home)
    return home


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ("show w", "Reading the study …"),
        ("show w 1", "Reading the study …"),
        ("compare w", "Reading the studies …"),
        ("studies", "Reading the studies …"),
        ("report w --output FOLDER/w.html", "Writing the report …"),
        ("export w --output FOLDER/w.csv", "Writing the trials …"),
        ("export w --format keras-tuner --output FOLDER/w.json", "Loading Keras Tuner …"),
        ("doctor", "Comparing the stores …"),
        ("predict w --user 107", "Predicting …"),
        ("delete w --yes", "Deleting w …"),
    ],
)
def test_a_slow_step_is_shown_on_a_terminal_alone(
    arguments: str,
    text: str,
    home: Path,
    tmp_path: Path,
    here: Here,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("search.export._values", lambda *_: {})  # which imports Keras Tuner
    words = arguments.replace("FOLDER", str(tmp_path)).split()
    for is_terminal in (False, True):
        copied = shutil.copytree(home, tmp_path / str(is_terminal))
        if is_terminal:
            monkeypatch.setenv("FORCE_COLOR", "1")
            monkeypatch.setenv("TERM", "xterm")
        here(*words, "--home", str(copied))
        assert (text in here.errors) is is_terminal


def test_the_record_is_opened_with_a_line_before_it_is_served(
    tmp_path: Path, here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    here("ui", "--home", str(tmp_path / "none"), code=2)  # there is none
    assert "Opening the record …" in here.errors
