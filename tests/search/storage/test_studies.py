"""Studies of a home, found by their names."""

from __future__ import annotations

from pathlib import Path

import pytest

from search import SearchError, StudyConfig
from search.storage.creation import create_or_load
from search.storage.studies import Studies
from search.storage.study_attributes import config_of, write_config
from tracking import Store


@pytest.fixture
def studies(home: Path) -> Studies:
    return Studies(Store(home))


def _refusal(studies: Studies, name: str) -> str:
    with pytest.raises(SearchError) as caught:
        studies.get(name)
    return str(caught.value)


def _make(studies: Studies, *names: str) -> None:
    for name in names:
        study = create_or_load(studies.storage, name, ["minimize"])
        write_config(study, StudyConfig(name=name))


@pytest.mark.parametrize("stored", [{"bogus": 1}, [1], "text", {"trials": "many"}])
def test_settings_that_somebody_changed_are_refused_with_the_studys_name(
    stored: object, studies: Studies
) -> None:
    _make(studies, "movies")
    studies.get("movies").set_user_attr("trialbook:config", stored)
    with pytest.raises(SearchError, match=r"those of 'movies' are not: "):
        config_of(studies.get("movies"))


def test_few_studies_are_all_listed_where_a_name_is_unknown(studies: Studies) -> None:
    _make(studies, *(f"run-{n:02}" for n in range(10)))
    said = _refusal(studies, "zzz")
    assert all(f"run-{n:02}" in said for n in range(10))
    assert "more" not in said


def test_of_many_studies_the_nearest_or_first_are_named_and_the_rest_counted(
    studies: Studies,
) -> None:
    _make(studies, *(f"run-{n:02}" for n in range(12)), "factors")
    said = _refusal(studies, "factor")
    assert "Known: factors and 12 more" in said
    assert "`trialbook studies`" in said
    said = _refusal(studies, "zzz")
    assert "run-08" in said
    assert "run-09" not in said
    assert "and 3 more" in said
