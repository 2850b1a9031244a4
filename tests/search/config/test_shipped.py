"""Studies that come with the package, by their names."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from calling import Here
from refusing import answer

from search import StudyConfig
from search.config.shipped import SHIPPED, STUDIES, study_file_of


def test_every_study_file_that_is_shipped_has_a_name_and_is_read() -> None:
    others = {"recipes"}  # configurations, which no study is made of
    assert sorted(path.stem for path in SHIPPED.glob("*.toml")) == sorted({*STUDIES, *others})
    for name in STUDIES:
        assert StudyConfig.from_toml(study_file_of(Path(name))).name == name


def test_a_file_of_the_same_name_goes_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sample").mkdir()  # no file
    assert study_file_of(Path("sample")) == SHIPPED / "sample.toml"
    (tmp_path / "factors").write_text("trials = 3\n")
    assert study_file_of(Path("factors")) == Path("factors")


def test_the_command_takes_a_name_and_lists_them_if_it_knows_none(
    here: Here, home: Path, ratings_file: Path
) -> None:
    found = here("search", "factors", "--data", str(ratings_file), "--dry-run", "--home", str(home))
    told = json.dumps(found)
    assert "factor_dropout" in told
    assert '"neumf"' not in told  # which only the whole space has
    refused = answer("search", "factor", "--home", str(home))
    assert refused.code == 2
    assert "Those that come with Trialbook: factors, sample." in refused.err
