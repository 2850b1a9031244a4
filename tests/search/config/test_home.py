"""Where the home is, where nobody names one."""

from __future__ import annotations

from pathlib import Path

import pytest

from search import open_study
from search.config.home import home_folder
from search.config.study import StudyConfig
from search.storage.creation import create_or_load
from search.storage.studies import Studies
from search.storage.study_attributes import write_config
from tracking import Store


def test_the_home_is_the_named_one_else_the_environments_else_mlruns(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("TRIALBOOK_HOME", raising=False)
    assert home_folder() == Path("mlruns")
    monkeypatch.setenv("TRIALBOOK_HOME", "")
    assert home_folder() == Path("mlruns")
    monkeypatch.setenv("TRIALBOOK_HOME", "elsewhere")
    assert home_folder() == Path("elsewhere")
    assert home_folder("here") == home_folder(Path("here")) == Path("here")


def test_python_reads_the_home_that_the_environment_names(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = create_or_load(Studies(Store(home)).storage, "movies", ["minimize"])
    write_config(study, StudyConfig(name="movies"))
    monkeypatch.setenv("TRIALBOOK_HOME", str(home))
    assert open_study("movies").record.name == "movies"
