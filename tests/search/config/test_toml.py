"""Study files: what is refused before any setting is looked at, and what is written."""

from __future__ import annotations

import math
import tomllib
from pathlib import Path
from typing import Any

import pytest

from models.data import SourceOptions
from search import SearchError, StudyConfig
from search.config.parsing import options
from search.config.toml import read_toml, write_toml


@pytest.mark.parametrize(
    "text",
    ["trials = " + "9" * 5000, "growth = " + "[" * 5000, "space = " + "{a=" * 5000, "trials"],
    ids=["digits", "lists", "tables", "no value"],
)
def test_what_cannot_be_parsed_is_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "study.toml"
    path.write_text(text)
    with pytest.raises(SearchError, match=r"must be TOML, but .*study\.toml is not"):
        read_toml(path)


def test_a_name_that_no_file_can_have_is_refused() -> None:
    with pytest.raises(SearchError, match=r"not readable \(File name too long\)"):
        read_toml(Path("x" * 5000))


@pytest.mark.parametrize(
    "text",
    [
        "seed = 9223372036854775808",
        "max_seconds = -9223372036854775809",
        f"trials = 0x1{'0' * 5000}",
        "space = {units = [1, 9223372036854775808]}",
    ],
)
def test_a_number_of_more_than_64_bits_is_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "study.toml"
    path.write_text(text)
    with pytest.raises(SearchError, match=r"must be a number of 64 bits, .* Give a smaller one"):
        StudyConfig.from_toml(path)


@pytest.mark.parametrize(
    "settings",
    [
        {"epochs": 10**30},
        {"space": {"units": [1, 2**63]}},
        {"options": SourceOptions(min_ratings=10**30)},
        {"sampler": "tpe", "sampler_options": {"n_startup_trials": 10**30}},
    ],
)
def test_such_a_number_is_refused_in_python_too(settings: dict[str, Any]) -> None:
    with pytest.raises(SearchError, match=r"must be a number of 64 bits, .* Give a smaller one"):
        StudyConfig(**settings)
    with pytest.raises(SearchError, match=r"must be a number of 64 bits, .* Give a smaller one"):
        StudyConfig().at(**settings)


@pytest.mark.parametrize(
    "value",
    [
        *(math.inf, -math.inf, 0.1, 1e300, -1, True),
        *("ü 🎬", "\x7f\x00", 'a "b"\\'),
        ["𠀀", 1.5],
        {"é k": {"a": 2}},
    ],
)
def test_what_is_written_is_read_again(value: object) -> None:
    table = {"key": value, "space": {"ümlaut": value}}
    assert tomllib.loads(write_toml(table)) == table


def test_no_number_is_written_as_toml_has_it() -> None:
    assert math.isnan(tomllib.loads(write_toml({"key": math.nan}))["key"])


def test_a_value_of_an_option_that_is_no_toml_is_text() -> None:
    digits, lists = "9" * 5000, "[" * 5000
    assert options([f"a={digits}", f"b={lists}"]) == {"a": digits, "b": lists}
