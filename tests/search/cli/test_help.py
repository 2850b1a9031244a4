"""What `--help` shows: headings, defaults, whole summary lines; and what a shell completes."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections import Counter
from typing import Any

import click
import pytest

from search.cli.help import HEADINGS, OTHERS, OUTPUT, GroupedCommand, groups_of, option
from search.cli.main import _COMMANDS, _SUMMARIES, cli, run
from search.config.sections import RUNNING, SEARCH, SECTIONS, STUDY, heading_of
from search.config.study import StudyConfig


def _commands() -> dict[str, click.Command]:
    """Every command by its words: "show", "data inspect"."""
    found: dict[str, click.Command] = {}
    for name in _COMMANDS:
        command = cli.get_command(click.Context(cli), name)
        assert command is not None
        if isinstance(command, click.Group):
            found |= {f"{name} {each}": command.commands[each] for each in command.commands}
        else:
            found[name] = command
    return found


COMMANDS = _commands()
GROUPS = sorted({name.split()[0] for name in COMMANDS if " " in name})
GROUPED = [name for name, command in COMMANDS.items() if isinstance(command, GroupedCommand)]


def _help(*words: str, capsys: pytest.CaptureFixture[str]) -> str:
    assert run([*words, "--help"]) == 0
    return capsys.readouterr().out


def _shown(text: str) -> dict[str, list[str]]:
    """The options of each heading, as `--help` has them, by their first name."""
    shown: dict[str, list[str]] = {}
    for line in text.partition("Example:")[0].splitlines():
        if re.fullmatch(r"[A-Z].*:", line):
            shown[line[:-1]] = []
        elif found := re.match(r"  (?:-h, )?(--[\w-]+)", line):
            shown[list(shown)[-1]].append(found[1])
    return shown


def test_the_long_helps_have_headings() -> None:
    assert set(GROUPED) == {"search", "worker", "data inspect"}


@pytest.mark.parametrize("name", GROUPED)
def test_every_option_stands_under_exactly_one_heading(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    shown = _shown(_help(*name.split(), capsys=capsys))
    told = Counter(option for options in shown.values() for option in options)
    command = COMMANDS[name]
    context = click.Context(command, help_option_names=["-h", "--help"])
    options = [each for each in command.get_params(context) if isinstance(each, click.Option)]
    there = Counter(next(o for o in each.opts if o.startswith("--")) for each in options)
    assert told == there, (told - there, there - told)
    assert list(shown) == [title for title in HEADINGS if title in shown]
    assert OTHERS not in shown, "Give each of these a `group`."


def test_options_of_settings_stand_under_their_sections(
    capsys: pytest.CaptureFixture[str],
) -> None:
    shown = _shown(_help("search", capsys=capsys))
    assert shown[STUDY] == [
        "--study", "--trials", "--timeout", "--target-rmse", "--regret", "--duplicates",
    ]  # fmt: skip
    assert "--sampler" in shown[SEARCH]
    assert "--enqueue" in shown[SEARCH]
    assert {"--workers", "--engine", "--home", "--storage"} <= set(shown[RUNNING])


def test_a_setting_belongs_to_the_section_that_declares_it() -> None:
    assert heading_of("sampler") == SEARCH
    assert heading_of("colour") is None
    settings = StudyConfig.__dataclass_fields__
    assert {heading_of(name) for name in settings} == set(SECTIONS.values())


def test_an_option_without_a_heading_comes_first_under_a_plain_one() -> None:
    @click.command(cls=GroupedCommand)
    @option("--of-search", group=SEARCH)
    @option("--stranger")
    def command(**given: Any) -> None: ...

    groups = groups_of(command, click.Context(command))
    named = {title: [each.opts[-1] for each in options] for title, options in groups.items()}
    assert named == {OTHERS: ["--stranger"], SEARCH: ["--of-search"], OUTPUT: ["--help"]}


def test_the_defaults_shown_are_those_of_the_default_study(
    capsys: pytest.CaptureFixture[str],
) -> None:
    text = " ".join(_help("search", capsys=capsys).split())
    default = StudyConfig.default()
    assert default.workers == "auto"
    for name, value in (
        ("--trials INTEGER", default.trials),
        ("--workers TEXT", "auto"),
        ("--sampler [", default.sampler),
        ("--seed INTEGER", default.seed),
        ("--recipes / --no-recipes", "yes"),
        ("--threads INTEGER", "its share of the cores"),
        ("--storage TEXT", "TRIALBOOK_STORAGE, else optuna.db in the home"),
        ("--home DIR", "TRIALBOOK_HOME, else ./mlruns"),
        ("--engine [local|ray]", "local"),
    ):
        after = text.partition(name)[2]
        assert re.match(rf"[^\[]*(\[?[\w|-]*\])?[^\[]*\[default: {value}\]", after), (name, after)


def test_an_option_that_is_not_given_is_still_told_from_its_default() -> None:
    """A stored study keeps its own value, so that what is shown must not be taken for given."""
    command = COMMANDS["search"]
    given = command.make_context("search", []).params
    assert given["trials"] is None
    assert given["workers"] is None


@pytest.mark.parametrize("columns", ["60", "80", "200"])
def test_every_summary_line_is_whole(
    columns: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    text = _help(capsys=capsys)
    assert "..." not in text
    words = " ".join(text.split())
    for name, summary in _SUMMARIES.items():
        assert f" {name} {summary}" in words
        if columns != "60":  # on one line
            assert re.search(rf"(?m)^  {name} +{re.escape(summary)}$", text)


@pytest.mark.parametrize("columns", ["60", "80"])
@pytest.mark.parametrize("name", GROUPS)
def test_every_summary_line_of_a_group_is_whole(
    name: str, columns: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    command = cli.get_command(click.Context(cli), name)
    assert isinstance(command, click.Group)
    monkeypatch.setenv("COLUMNS", columns)
    text = _help(name, capsys=capsys)
    assert "..." not in text
    words = " ".join(text.split())
    for each, inner in command.commands.items():
        assert inner.short_help
        assert inner.short_help.endswith(".")
        assert f" {each} {inner.short_help}" in words


def test_every_command_has_a_summary() -> None:
    assert list(_SUMMARIES) == list(_COMMANDS)
    for name in _COMMANDS:
        command = cli.get_command(click.Context(cli), name)
        assert command is not None
        assert command.get_short_help_str(100) == _SUMMARIES[name]


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], []])
def test_the_overview_imports_nothing_that_takes_time(arguments: list[str]) -> None:
    """No command, no settings, no NumPy: importing them takes longer than all else."""
    code = (
        "import atexit, sys\n"
        "from search.cli.main import run\n"
        f"code = run({arguments!r})\n"
        "print(code, [m for m in ('numpy', 'rich', 'models', 'tracking', 'optuna', 'mlflow',"
        " 'search.config.study') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.splitlines()[-1] == "0 []", done.stderr


def test_the_help_of_a_command_imports_nothing_heavy() -> None:
    code = (
        "import sys\n"
        "from search.cli.main import run\n"
        "code = run(['search', '--help'])\n"
        "print(code, [m for m in ('pandas', 'optuna', 'mlflow', 'keras', 'sklearn')"
        " if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.splitlines()[-1] == "0 []", done.stderr


# Completion by Tab, which Click offers.


def _completed(shell: str, *words: str) -> list[str]:
    """What a shell is told for the last of the words, each with its kind."""
    typed = " ".join(words)
    number = str(len(words) - 1)
    place = {"COMP_WORDS": typed, "COMP_CWORD": words[-1] if shell == "fish" else number}
    done = subprocess.run(
        [sys.executable, "-m", "search"],
        env=os.environ | place | {"_TRIALBOOK_COMPLETE": f"{shell}_complete"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_gets_a_script_that_completes(shell: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "search"],
        env=os.environ | {"_TRIALBOOK_COMPLETE": f"{shell}_source"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert f"_TRIALBOOK_COMPLETE={shell}_complete" in done.stdout


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_commands_options_and_choices_are_completed(shell: str) -> None:
    def names(*words: str) -> set[str]:
        told = _completed(shell, *words)
        if shell == "zsh":  # a line for the kind, one for the word, one for its help
            return set(told[1::3])
        return {re.split(r"[,\t]", line, maxsplit=1)[-1].split("\t")[0] for line in told}

    assert names("trialbook", "re") == {"reproduce", "report"}
    assert names("trialbook", "search", "--sampler-o") == {"--sampler-option"}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["serch"], "No such command 'serch'. Did you mean search? Try `trialbook --help`."),
        (["xyzzy"], "No such command 'xyzzy'. Try `trialbook --help`."),
        (
            ["search", "--name", "x"],
            "No such option '--name'. Did you mean '--study'? Try `trialbook search --help`.",
        ),
    ],
)
def test_what_is_not_known_names_what_is_near(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(words) == 2
    assert capsys.readouterr().err == f"trialbook: {said}\n"
