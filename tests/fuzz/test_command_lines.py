"""Command lines of any options and values: done, or refused in one line, and no study begun."""

from __future__ import annotations

import importlib
import io
from pathlib import Path

import click
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from mutations import numbers, texts
from refusing import answer
from tuner_files import ORACLE, TRIALS, files_of, write_project

from models.data.download.catalog import find_dataset
from search.cli.main import _COMMANDS
from search.errors import SearchError
from search.oracle.project import import_project
from search.storage.studies import Studies
from tracking import NullRecorder, Store

FUZZ = settings.get_profile("fuzz")
STUDY = "movies"
NO_RATINGS = "no-such-folder/ratings.csv"
# Left out: they reach the network, serve pages, or ask a person.
_NEVER = {"--base-url", "--help", "--address", "--engine", "--tracking-uri", "--storage", "--home"}


def _words(text: str) -> str:
    """A value as a shell can hand it over: any bytes but NUL."""
    return text.replace("\0", "")


WORDS = (texts() | numbers().map(str) | st.text(st.characters(codec=None), max_size=6)).map(_words)


def _command(name: str) -> click.Command:
    found: click.Command = importlib.import_module(_COMMANDS[name]).command
    return found


def _value(option: click.Parameter) -> st.SearchStrategy[str]:
    """Values that suit an option's type, and others."""
    if isinstance(option.type, click.Choice):
        return st.sampled_from([str(choice) for choice in option.type.choices]) | WORDS
    if isinstance(option.type, click.types.IntParamType | click.types.FloatParamType):
        return st.sampled_from(["0", "1", "3", "7", "0.5", "-1", "1e400"]) | WORDS
    if option.name == "output":  # a file is written there
        return st.sampled_from(["out", "-", "", ".", "no/such/out", "x" * 300, "\udcff", "\x1b"])
    return st.sampled_from([STUDY, STUDY, NO_RATINGS, "val_rmse:min", "a=1", "user,movie"]) | WORDS


@st.composite
def lines(draw: st.DrawFn, name: str) -> list[str]:
    """Some options of a command with values, and operands, mostly as many as it takes."""
    command = _command(name)
    known = [p for p in command.params if isinstance(p, click.Option) and p.opts[0] not in _NEVER]
    told: list[str] = []
    for option in draw(st.lists(st.sampled_from(known), max_size=4)):
        told.append(draw(st.sampled_from([*option.opts, *option.secondary_opts])))
        if not option.is_flag and draw(st.integers(0, 9)):
            told.append(draw(_value(option)))
    taken = [p for p in command.params if isinstance(p, click.Argument)]
    for place in range(draw(st.sampled_from([len(taken)] * 4 + [0, 1, 3]))):
        suits = _value(taken[place]) if place < len(taken) else WORDS
        told.insert(draw(st.integers(0, len(told))), draw(suits))
    return told


@pytest.fixture(scope="module")
def studies(tmp_path_factory: pytest.TempPathFactory) -> Studies:
    """A home with one study of two trials."""
    store = Store(tmp_path_factory.mktemp("home"))
    store.prepare()
    studies, project = Studies(store), tmp_path_factory.mktemp("project")
    write_project(project, files_of(ORACLE, TRIALS))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Studies, "recorder", lambda *_: NullRecorder())
        import_project(project, studies, study=STUDY)
    return studies


@pytest.fixture
def home(studies: Studies, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """That home, from a working directory elsewhere; nothing in reach trains, serves or deletes."""
    monkeypatch.setattr("search.storage.studies.open_storage", lambda *_: studies.storage)
    monkeypatch.setattr(Studies, "recorder", lambda *_: NullRecorder())
    monkeypatch.setattr("sys.stdin", io.StringIO())
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TRIALBOOK_CACHE", str(tmp_path / "cache"))
    for name in ("TRIALBOOK_STORAGE", "TRIALBOOK_TRACKING_URI", "TRIALBOOK_HOME"):
        monkeypatch.delenv(name, raising=False)

    def refuse(*arguments: object, **options: object) -> None:
        raise SearchError("Nothing is done here.")

    for name in (
        "search.cli.dry_run.make_plan",
        "search.study.run.run_in",
        "search.reproduce.reproduce",
        "search.winner.find_winner",
        "search.storage.deletion.delete_study",
        "search.cli.commands.ui._serve",
        "search.dashboard.serving",
        "search.study.joining._pause",
    ):
        monkeypatch.setattr(name, refuse)
    return studies.store.home


READERS = (
    "predict",
    "show",
    "studies",
    "export",
    "compare",
    "report",
    "doctor",
    "winner",
    "worker",
    "ui",
    "dashboard",
)


@FUZZ
@given(data=st.data(), as_json=st.booleans())
@pytest.mark.parametrize("name", ["search", "import", "delete", "reproduce", *READERS])
def test_a_command_does_what_it_is_told_or_says_why_not(
    name: str, data: st.DataObject, as_json: bool, home: Path, studies: Studies
) -> None:
    told = data.draw(lines(name))
    kind = ["keras-tuner"] if name == "import" and data.draw(st.booleans()) else []
    json = ["--json"] if as_json else []
    answer(name, "--home", str(home), *json, *kind, *told)
    assert studies.names() == [STUDY]
    assert len(studies.get(STUDY).trials) == 2


@FUZZ
@given(told=st.lists(WORDS | st.sampled_from([*_COMMANDS, "--version", "--json"]), max_size=3))
def test_words_of_any_kind_are_refused_in_a_line(told: list[str], home: Path) -> None:
    words = [word for word in told if word not in _COMMANDS][:2]
    answer(*words)


@FUZZ
@given(data=st.data())
@pytest.mark.parametrize("name", ["inspect", "fetch"])
def test_the_sources_of_ratings_are_told_or_refused_in_a_line(
    name: str, data: st.DataObject, home: Path
) -> None:
    group = _command("data")
    assert isinstance(group, click.Group)
    command = group.commands[name]
    known = [p for p in command.params if isinstance(p, click.Option) and p.opts[0] not in _NEVER]
    word = data.draw(WORDS)
    assume(name != "fetch" or find_dataset(word) is None)  # to fetch reaches the network
    told = [word]
    for option in data.draw(st.lists(st.sampled_from(known), max_size=4)):
        told += [option.opts[0], *([] if option.is_flag else [data.draw(_value(option))])]
    answer("data", name, *told)
