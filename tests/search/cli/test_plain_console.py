"""Who asks for plain text gets no escape codes."""

from __future__ import annotations

import sys
from collections.abc import Callable
from io import StringIO
from pathlib import Path

import pytest
from made_up import made_up_study

from search import StudyConfig
from search.cli.common import waiting
from search.cli.live import LiveProgress, steady_console
from search.cli.plain_console import wants_plain
from search.cli.summary import print_summary
from search.study.result import StudyResult
from tracking import StudyRecord, TrialRecord


class _Terminal(StringIO):
    def isatty(self) -> bool:
        return True


def told(call: Callable[[], object], **environment: str) -> str:
    """What a call writes to a terminal with colours, in an environment."""
    made = _Terminal()
    with pytest.MonkeyPatch.context() as patch:
        for stream in ("stdout", "stderr"):
            patch.setattr(sys, stream, made)
        for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE"):
            patch.delenv(name, raising=False)
        for name, value in {"TERM": "xterm-256color", "COLUMNS": "100", **environment}.items():
            patch.setenv(name, value)
        call()
    return made.getvalue()


def study(*, quiet: bool = False) -> None:
    """Write what a study writes: a message, the line of a trial, its display, its summary."""
    with LiveProgress(steady_console(plain=quiet), quiet=quiet) as progress:
        progress.study(StudyRecord(name="s"), finished=0, target=2)
        progress.message("Something is to be known.")
        ended = TrialRecord(study="s", number=0, params={}, state="complete", value=1.0)
        progress.ended(ended, finished=1, target=2)
    result = StudyResult(record=made_up_study(), tracking_uri="", new_trials=40)
    print_summary(result, StudyConfig(name="made up"), Path("mlruns"), plain=quiet)


def wait() -> None:
    with waiting("Reading …"):
        pass


@pytest.mark.parametrize("environment", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_a_terminal_gets_no_escape_codes_where_the_environment_says_so(
    environment: dict[str, str],
) -> None:
    assert "\x1b[1m" in told(study)  # bold
    text = told(study, **environment)
    assert "Something is to be known.\n[1/2] trial 0: complete" in text
    assert "│ 19 " in text
    assert "\x1b" not in text
    assert "\x1b" in told(wait)
    assert "\x1b" not in told(wait, **environment)


def test_a_quiet_study_styles_nothing() -> None:
    text = told(lambda: study(quiet=True))
    assert "Something is to be known.\n[1/2] trial 0: complete" in text
    assert "│ 19 " in text
    assert "\x1b" not in text


@pytest.mark.parametrize(("value", "plain"), [("1", True), ("", False)])
def test_no_color_counts_where_it_is_not_empty(
    value: str, plain: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("NO_COLOR", value)
    assert wants_plain() == plain
