"""Ratings as people have them, through the commands."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from calling import Here, call

from search.storage.studies import Studies
from tracking import Store

STUDY = """
name = "s"
trials = 1
epochs = 2
data = "train.csv"
test = "test.csv"
split = "random"
sampler = "random"

[space]
family = "gmf"
factors = 2
batch_size = "256"
output_activation = "linear"
"""


@pytest.fixture
def folder(tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """600 train and 200 test ratings; users are numbers with a fraction, movies have none."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(1)
    pairs = rng.permutation(40 * 20)
    lines = [f"{pair // 20}.5,{pair % 20}.0,{rng.integers(1, 6)}\n" for pair in pairs]
    (tmp_path / "train.csv").write_text("user,movie,rating\n" + "".join(lines[:600]))
    (tmp_path / "test.csv").write_text("user,movie,rating\n" + "".join(lines[600:]))
    (tmp_path / "s.toml").write_text(STUDY)
    return tmp_path


def test_a_study_takes_ratings_that_come_split_already(folder: Path, here: Here) -> None:
    done = here("search", "s.toml")
    assert (done["n_complete"], done["warnings"]) == (1, [])
    dataset = Studies(Store(folder / "mlruns")).record("s").dataset
    assert dataset is not None
    profile = dataset.profile
    parts = [profile[name] for name in ("split", "validation_by", "train_rows", "test_rows")]
    assert parts == ["given", "random", 480, 200]
    (folder / "test.csv").write_text("user,movie,rating\n1.5,3,4\n")
    assert here("search", "--study", "s", "--trials", "2", code=2) is None


@pytest.mark.slow
def test_the_given_test_part_is_opened_by_the_winner(folder: Path, here: Here) -> None:
    """Of scores from -2 to 2, so that the published baseline is no bar."""
    for name in ("train.csv", "test.csv"):
        rows = np.loadtxt(name, delimiter=",", skiprows=1) - [0, 0, 3]
        np.savetxt(name, rows, delimiter=",", header="user,movie,rating", comments="", fmt="%g")
    done = call("search", "s.toml", "--trials", "2")
    assert "does not fit these scores and is no bar" in done.stdout
    assert "beats the baseline" not in done.stdout
    verdict = here("winner", "s", "--repeats", "2", "--top", "1")
    assert [each["name"] for each in verdict["test"]] == ["winner", "global_mean", "biases"]
    assert verdict["beats_baseline"] is None
    scores = np.loadtxt("test.csv", delimiter=",", skiprows=1)[:, 2]
    mean = np.loadtxt("train.csv", delimiter=",", skiprows=1)[:, 2].mean()
    by_mean = next(score for score in verdict["test"] if score["name"] == "global_mean")
    # The mean of 480 of the 600 train ratings, scored on the 200 of the test file.
    assert by_mean["rmse"] == pytest.approx(np.sqrt(np.mean((scores - mean) ** 2)), abs=0.02)


def test_what_makes_ratings_hopeless_is_said_by_inspect_and_search(
    folder: Path, here: Here
) -> None:
    lines = (folder / "train.csv").read_text().splitlines()
    lines[1::2] = [f"{line[:-1]}0" for line in lines[1::2]]
    (folder / "zeros.csv").write_text("\n".join(lines))
    seen = here("data", "inspect", "zeros.csv")
    [zeros] = [line for line in seen["warnings"] if "scores are 0" in line]
    assert "`--drop-scores 0`" in zeros
    assert here("data", "inspect", "zeros.csv", "--drop-scores", "0")["rows"] == 300
    words = ("search", "--study", "z", "--trials", "1", "--epochs", "1", "--data", "zeros.csv")
    assert zeros in here(*words)["warnings"]


def test_equal_scores_are_refused_before_anything_is_trained(folder: Path, here: Here) -> None:
    lines = [line[:-1] + "4" for line in (folder / "train.csv").read_text().splitlines()[1:]]
    (folder / "same.csv").write_text("\n".join(["user,movie,rating", *lines]))
    assert here("search", "--study", "e", "--data", "same.csv", code=2) is None
    assert "All scores are 4" in str(here("data", "inspect", "same.csv")["warnings"])
