"""A study that an earlier version stored keeps the rules by which it read its ratings."""

from __future__ import annotations

from pathlib import Path

import pytest
from calling import Here
from homes import unpack

from models.data.options import RULES
from search import StudyConfig, run_study
from search.storage.studies import Studies
from search.storage.study_attributes import config_of, dataset_of
from tracking import Store


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    unpack("rules_1.tar.xz", tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_stored_study_goes_on_by_its_own_rules(folder: Path, here: Here) -> None:
    """The values are what the earlier version went on to, from the same four trials."""
    before = here("show", "old")["trials"]
    done = here("search", "old.toml", "--trials", "6")
    assert done["n_complete"] == 6
    trials = here("show", "old")["trials"]
    assert trials[:4] == before
    assert [t["params"]["output_activation"] for t in trials[4:]] == ["relu", "softplus"]
    values = [trial["value"] for trial in trials[4:]]
    assert values == pytest.approx([4.24636940994641, 3.9968321740169057], abs=5e-3)
    study = Studies(Store(folder / "mlruns")).get("old")
    assert config_of(study).options.rules == 1
    assert "rules = 1" in config_of(study).to_toml()


def test_it_is_reproduced_by_its_own_rules(folder: Path, here: Here) -> None:
    try:
        again = here("reproduce", "old:3")  # whose softplus output starts from another score now
    except AssertionError:  # on another processor
        again = here("reproduce", "old:3", code=1)
    assert again["got"] == pytest.approx(again["expected"], abs=5e-3)
    assert not [line for line in again["drift"] if line.startswith(("data", "record", "threads"))]


def test_a_new_study_on_the_same_ratings_has_the_new_rules(folder: Path) -> None:
    config = StudyConfig(name="new", trials=1, epochs=1, data="ratings.csv", split="random")
    run_study(config, home="mlruns")
    studies = Studies(Store(folder / "mlruns"))
    old, new = studies.get("old"), studies.get("new")
    assert config_of(new).options.rules == RULES
    before, now = dataset_of(old), dataset_of(new)
    assert before is not None
    assert now is not None
    assert before["content_hash"] != now["content_hash"]  # text ids then, whole numbers now
    assert now["profile"]["rules"] == RULES
    assert "predicts only scores of 0 and more" in now["profile"]["baseline_misfit"]
    with pytest.raises(Exception, match=rf"`rules` was {RULES}, now 1"):
        run_study(config.override(rules=1), home="mlruns")
