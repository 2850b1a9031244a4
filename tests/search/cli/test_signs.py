"""What is printed where the terminal's encoding has few letters."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from io import BytesIO, TextIOWrapper
from pathlib import Path

import pytest
from homes import unpack
from made_up import made_up_study
from rich.text import Text

from search import StudyConfig
from search.cli import dry_run
from search.cli.common import console, waiting
from search.cli.help import GroupedCommand
from search.cli.live import LiveProgress, steady_console
from search.cli.main import run
from search.cli.plain_console import PlainConsole
from search.cli.signs import asks_for_ascii, encodable, has_signs
from search.cli.summary import print_summary
from search.cli.tables import table
from search.cost.estimate import Plan
from search.storage.studies import Studies
from search.study.request import Request
from search.study.result import StudyResult
from tracking import Store, StudyRecord


def told(call: Callable[[], object]) -> str:
    """What a call prints on standard output and error where both are of a terminal in ASCII.

    A letter that they lack raises, unless a command itself has seen to that.
    """
    streams = [TextIOWrapper(BytesIO(), encoding="ascii", errors="strict") for _ in range(2)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stdout", streams[0])
        patch.setattr(sys, "stderr", streams[1])
        patch.setenv("COLUMNS", "100")
        patch.delenv("NO_COLOR", raising=False)
        patch.setenv("TERM", "xterm")
        call()
    parts = []
    for stream in streams:
        stream.flush()
        assert isinstance(stream.buffer, BytesIO)
        parts.append(stream.buffer.getvalue().decode("ascii"))
    return "".join(parts)


def spelled(text: str) -> str:
    """A text, once no letter in it stands for one that was lost."""
    assert text
    assert "?" not in text.replace("\x1b[?", "")  # by which a terminal's cursor is hidden
    assert "\\u" not in text
    assert "\\x" not in text
    return text


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("old")
    unpack("before_rooms.tar.xz", folder)
    return folder / "mlruns"


def test_the_end_of_a_study() -> None:
    result = StudyResult(record=made_up_study(), tracking_uri="", new_trials=40)
    config = StudyConfig(name="made up")
    text = spelled(told(lambda: print_summary(result, config, Path("mlruns"))))
    assert re.search(r"\n- Trial 19 is \d\.\d{4} below the baseline \(", text)
    assert "| trial " in text


@pytest.mark.parametrize("words", [["show", "mine"], ["show", "mine", "7"]])
def test_a_study_and_a_trial(words: list[str], home: Path) -> None:
    assert "| " in spelled(told(lambda: run([*words, "--home", str(home)])))


def test_what_differs_between_studies(home: Path) -> None:
    text = spelled(told(lambda: run(["compare", "mine", "half", "--home", str(home)])))
    assert "Best of each (!= differs)" in text
    table = [line for line in text.splitlines() if line.startswith("|")]
    assert [line for line in table if line.startswith("| != ")]
    assert [line for line in table if line.startswith("|    ")]
    assert len({len(line) for line in table}) == 1


def test_a_source_of_ratings(tmp_path: Path) -> None:
    ratings = tmp_path / "r.csv"
    rows = [f"{user},{movie},{1 + (user + movie) % 5}" for user in range(30) for movie in range(9)]
    ratings.write_text("\n".join(["user,movie,rating", *rows, *rows[:40]]))
    text = told(lambda: run(["data", "inspect", str(ratings), "--no-user-filter"]))
    assert "\n- " in spelled(text)  # a warning


def test_a_dry_run(monkeypatch: pytest.MonkeyPatch) -> None:
    row = {
        "name": "size", "kind": "Int", "min": 1, "max": 9, "step": 1, "values": None, "log": False,
        "mirrored": False, "default": 3, "when": "",
    }  # fmt: skip
    plan = Plan(
        space=(row,), workers=1, seconds_epoch=0.1, seconds=60, memory_mb=500, disk_mb=1, trials=3,
        warnings=("The ratings are few.",),
    )  # fmt: skip
    studies = Studies(Store(Path("mlruns")))
    monkeypatch.setattr(dry_run, "make_plan", lambda *_: plan)
    text = told(lambda: dry_run.show_plan(StudyConfig(), studies, Request(), as_json=False))
    assert "\n- The ratings are few.\n" in spelled(text)


def test_the_start_of_a_study() -> None:
    text = spelled(told(lambda: steady_console().print(LiveProgress(steady_console()))))
    assert text.startswith("Starting, and reading the ratings ... 0:0")

    def draw() -> None:
        with LiveProgress(PlainConsole(file=sys.stderr, force_terminal=True)):
            pass

    assert "reading the ratings ... 0:0" in spelled(told(draw)).partition("\x1b")[2]


def test_a_running_study_that_is_wider_than_the_terminal() -> None:
    """A line that is cut is not longer for the sign that says so."""

    def draw() -> None:
        progress = LiveProgress(PlainConsole(file=sys.stdout, width=40))
        progress.study(StudyRecord(name="m" * 60), finished=0, target=9)
        progress._console.print(progress)

    assert spelled(told(draw)) == f"{'m' * 29}  0/9, 0:00\n"


def test_a_slow_step_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")

    def wait() -> None:
        with waiting("Reading r.csv …"):
            pass

    assert " Reading r.csv ..." in spelled(told(wait))


def test_a_message_and_the_help(tmp_path: Path) -> None:
    made = GroupedCommand("made-up", help="Takes A, B …", callback=lambda: None)
    assert "Takes A, B ..." in spelled(told(lambda: made.main(["--help"], standalone_mode=False)))
    assert "got '\\xe9...'" in told(lambda: run(["show", "é…", "--home", str(tmp_path)]))


def test_names_of_users_stay_as_they_are_where_they_can() -> None:
    assert encodable("• café … ≠", "ascii") == "- caf\\xe9 ... !="
    assert encodable("• café … ≠", "latin-1") == "- café ... !="
    assert encodable("• café … ≠", "utf-8") == "• café … ≠"
    assert encodable("• é", "no such encoding") == "- \\xe9"
    assert has_signs("cp437", "█")
    assert not has_signs("cp437", "▁█")


def test_columns_stand_below_each_other_whatever_they_hold() -> None:
    def draw() -> None:
        console().print(table("…", ["≠", "ü"], [["≠ a", "1"], ["é…", "2"]]))
        console().print(Text("… styled"))

    lines = told(draw).splitlines()
    assert lines[0] == "..."
    assert len({len(line) for line in lines[1:-1]}) == 1
    assert "| \\xe9... | 2    |" in lines
    assert lines[-1] == "... styled"


@pytest.mark.parametrize(
    ("environment", "asks"),
    [
        ({}, False),
        ({"LANG": "C"}, True),
        ({"LANG": "POSIX", "LC_ALL": ""}, True),
        ({"LANG": "en_US.UTF-8", "LC_ALL": "C"}, True),
        ({"LANG": "C", "LC_CTYPE": "C.UTF-8"}, False),
        ({"LC_ALL": "C", "PYTHONIOENCODING": "utf-8"}, False),
    ],
)
def test_a_locale_that_is_expressly_of_ascii_is_heeded(
    environment: dict[str, str], asks: bool
) -> None:
    assert asks_for_ascii(environment) == asks
