"""Names of any kind through the commands: done or refused in a line, and nothing beside the home.

A study of Keras Tuner's stands for all: it brings parameters, choices and trials of any name, and
takes no training.
"""

from __future__ import annotations

import json
import re
import shlex
import shutil
from pathlib import Path

import pandas as pd
import pytest
from hostile import NAMES, NO_TEXT, NUL, OF_STUDIES, quick_few
from refusing import Answer, answer
from tuner_files import write_named_project

from search.cli.common import command_line, open_studies, ui_line
from search.config.study import StudyConfig
from search.errors import SearchError
from search.export import trials_table
from search.storage.studies import Studies
from tracking import NullRecorder, Store

STUDY = "all"


@pytest.fixture(scope="module")
def around(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a home, in which a study has parameters of every name."""
    folder = tmp_path_factory.mktemp("around")
    write_named_project(folder / "project", NAMES)
    Store(folder / "home").prepare()
    before = _listing(folder)
    with pytest.MonkeyPatch.context() as patch:  # what is drawn and recorded, others try
        patch.setattr(Studies, "recorder", lambda *_: NullRecorder())
        _import(folder)
    assert _listing(folder) == before
    return folder


def _import(folder: Path) -> None:
    told = ["import", "keras-tuner", str(folder / "project"), "--study", STUDY]
    done = answer(*told, *_home(folder))
    assert done.code == 0, done.err
    assert "4 complete" in done.out


@pytest.fixture(scope="module")
def studies(around: Path) -> Studies:
    found = open_studies(around / "home", None)
    assert found.names() == [STUDY]  # which opens the storage
    return found


@pytest.fixture
def home(
    around: Path, studies: Studies, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> list[str]:
    """The option that names the home, whose storage is open already."""
    monkeypatch.setattr("search.storage.studies.open_storage", lambda *_: studies.storage)
    monkeypatch.setattr(Studies, "recorder", lambda *_: NullRecorder())
    monkeypatch.chdir(tmp_path)
    return _home(around)


def _home(folder: Path) -> list[str]:
    return ["--home", str(folder / "home")]


def _listing(folder: Path) -> set[Path]:
    """All that lies in a folder outside of its home."""
    home = folder / "home"
    return {path for path in folder.rglob("*") if not path.is_relative_to(home)}


def _seen(told: Answer) -> None:
    """Nothing but line feeds and characters that are seen was printed."""
    assert all(letter.isprintable() or letter == "\n" for letter in told.out + told.err)


SHOWN = (
    ["show", STUDY], ["show", STUDY, "1"], ["compare", STUDY], ["report", STUDY], ["studies"],
    ["doctor"],
)  # fmt: skip


@pytest.mark.parametrize("words", SHOWN, ids=" ".join)
def test_what_is_printed_has_no_control_characters(words: list[str], home: list[str]) -> None:
    told = answer(*words, *home)
    _seen(told)
    assert told.code == (words == ["doctor"]), told.err  # which misses the record
    as_json = answer(*words, *home, "--json")
    _seen(as_json)
    assert json.loads(as_json.out)


def test_every_parameter_is_shown_by_its_name(home: list[str]) -> None:
    trials = json.loads(answer("show", STUDY, *home, "--json").out)["trials"]
    for name in NAMES:
        values = [trial["params"][name] for trial in trials]
        assert sorted(values) == sorted([name, name, "other", "other"])


def test_exported_cells_are_read_back_as_they_were(
    home: list[str], studies: Studies, tmp_path: Path
) -> None:
    assert answer("export", STUDY, *home).code == 0
    found = pd.read_csv(tmp_path / f"{STUDY}.csv", dtype=str, keep_default_na=False)
    table = trials_table(studies.record(STUDY))
    assert list(found) == list(table)
    for name in NAMES:
        assert list(found[f"params.{name}"]) == list(table[f"params.{name}"])
        assert set(found[f"params.{name}"]) == {name, "other"}


@pytest.mark.parametrize("command", ["export", "report"])
@pytest.mark.parametrize("name", quick_few(*NAMES, NO_TEXT))
def test_what_is_written_is_where_it_was_told_or_refused(
    name: str, command: str, home: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    monkeypatch.chdir(inner)
    if name.startswith("/"):
        name = f"..{name}"
    told = answer(command, STUDY, *home, "--output", name)
    _seen(told)
    written = {path for path in tmp_path.rglob("*") if path.is_file()}
    assert written == ({(inner / name).resolve()} if told.code == 0 else set())


READERS = (
    ["show"], ["export"], ["compare"], ["report"], ["delete"], ["doctor"], ["winner"], ["worker"],
    ["reproduce"], ["predict", "--user", "1"], ["dashboard"], ["ui", "--no-browser"],
)  # fmt: skip


@pytest.mark.parametrize("name", quick_few(*NAMES, NO_TEXT, NUL))
def test_a_study_that_no_one_has_is_refused_in_a_line(
    name: str, home: list[str], around: Path, tmp_path: Path
) -> None:
    _all_refused([[*words, *home, "--", name] for words in READERS], around, tmp_path)


def _all_refused(commands: list[list[str]], around: Path, folder: Path) -> None:
    """Each command is refused in a line that is seen, and nothing is written anywhere."""
    before = _listing(around)
    for words in commands:
        told = answer(*words)
        assert told.code == 2, (words, told)
        _seen(told)
    assert _listing(around) == before
    assert list(folder.iterdir()) == []


OTHERS = (
    ["data", "inspect"],
    ["data", "fetch"],
    ["baseline", "--no-such-option"],
    ["ui", "--tracking-uri"],
    ["search", "--dry-run", "--data"],
    ["search", "--dry-run", "--model"],
    ["search", "--dry-run", "--engine"],
    ["import", "keras-tuner"],
)
"""Commands that take no study: what a user names is refused, as there is none of it."""


@pytest.mark.parametrize("name", quick_few(*NAMES, NO_TEXT, NUL))
def test_what_is_not_there_is_refused_in_a_line_by_commands_that_take_no_study(
    name: str, home: list[str], around: Path, tmp_path: Path
) -> None:
    commands = []
    for words in OTHERS:
        words = words if words[-1].startswith("--") else [*words, "--"]
        where = [] if words[0] in ("baseline", "data") else home
        commands.append([*words[:-1], *where, words[-1], name])
    _all_refused(commands, around, tmp_path)


@pytest.mark.parametrize("name", [*NAMES, NO_TEXT, NUL, *OF_STUDIES])
def test_a_study_has_a_harmless_name_or_none(name: str) -> None:
    if re.fullmatch(r"\w[\w .+-]{0,99}", name):
        assert StudyConfig(name=name).name == name
        assert name.isprintable()
    else:
        assert name not in OF_STUDIES
        with pytest.raises(SearchError, match="`name` must start with a letter"):
            StudyConfig(name=name)


@pytest.mark.parametrize("name", [*NAMES, NO_TEXT, NUL])
def test_a_study_file_holds_a_text_as_it_is_or_there_is_none(name: str, tmp_path: Path) -> None:
    try:
        config = StudyConfig(data=name, sampler_options={}, folds=None, trials=3)
    except SearchError:
        return
    path = tmp_path / "study.toml"
    if name == NO_TEXT:
        with pytest.raises(SearchError, match="text that UTF-8 can hold"):
            config.override(data=name)
        return
    path.write_text(config.to_toml(), encoding="utf-8")
    assert StudyConfig.from_toml(path).to_dict() == config.to_dict()


@pytest.mark.parametrize("name", [name for name in NAMES if name.isprintable()])
def test_a_printed_command_names_the_same_home_and_runs_nothing_else(name: str) -> None:
    home = Path(name)
    line = command_line(home, "show", "a  b", "3", storage=f"sqlite:///{name}")
    words = shlex.split(line)
    assert words[1:4] == ["show", "a  b", "3"]
    assert words[4:] == ["--home", str(home), "--storage", f"sqlite:///{name}"]
    assert shlex.split(ui_line(home, StudyConfig()))[1:] == ["ui", "sample", "--home", str(home)]


@pytest.mark.parametrize("name", ["--home", "-rf", "--yes", "$(touch x)", "a b"])
def test_a_printed_command_works_with_a_home_that_looks_like_an_option(
    name: str, around: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copytree(around / "home", tmp_path / name)
    words = shlex.split(command_line(Path(name), "show", STUDY))
    told = answer(*words[1:])
    assert told.code == 0, told.err
    assert f"Trials of {STUDY}" in told.out
    assert [path.name for path in tmp_path.iterdir()] == [name]
