"""Whether a browser is opened by the commands that serve pages; no page is served here."""

from __future__ import annotations

import contextlib
import socket
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from search.cli.main import run
from search.cli.pages import has_browser
from search.config.study import StudyConfig
from search.executor.interrupts import Stop
from search.storage.creation import create_or_load
from search.storage.studies import Studies
from search.storage.study_attributes import write_config
from tracking import Store


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The addresses that were opened in a browser, where a person would see it."""
    found: list[str] = []
    monkeypatch.setattr("webbrowser.open", found.append)
    for name in ("ui", "dashboard"):
        monkeypatch.setattr(f"search.cli.commands.{name}.has_browser", lambda: True)
    return found


@pytest.fixture
def begun(home: Path) -> Path:
    """A home with a study that has no trial yet."""
    study = create_or_load(Studies(Store(home)).storage, "movies", ["minimize"])
    write_config(study, StudyConfig(name="movies"))
    return home


@pytest.fixture
def port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The commands of servers that were to be started; each answers at once, and has ended."""
    started: list[list[str]] = []

    def serve(
        argv: list[str], environment: object, place: object, announce: Callable[[], None]
    ) -> int:
        started.append(argv)
        announce()
        return 0

    monkeypatch.setattr("search.cli.commands.ui._serve", serve)
    return started


@pytest.mark.parametrize(("option", "opens"), [([], True), (["--no-browser"], False)])
@pytest.mark.parametrize("study", [None, "movies"])
def test_ui_opens_what_it_prints(
    study: str | None, option: list[str], opens: bool, begun: Path, port: int,
    opened: list[str], served: list[list[str]], monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.setattr("search.cli.commands.ui.renew_view", lambda store, record: "7")
    named = [] if study is None else [study]
    assert run(["ui", *named, "--port", str(port), "--home", str(begun), *option]) == 0
    (command,) = served
    assert str(port) in command
    page = "#/experiments" if study is None else "#/experiments/7/runs"
    (line,) = [each for each in capsys.readouterr().out.splitlines() if each.startswith("http")]
    assert line.startswith(f"http://127.0.0.1:{port}/{page}?")
    assert opened == ([line] if opens else [])


@pytest.mark.parametrize(("option", "opens"), [([], True), (["--no-browser"], False)])
def test_ui_opens_the_page_of_a_server_that_has_the_record(
    option: list[str], opens: bool, begun: Path, opened: list[str], served: list[list[str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(Store, "prepare", lambda self: None)  # which asks the server
    at = ["--home", str(begun), "--tracking-uri", "http://host:5000"]
    assert run(["ui", *at, *option]) == 0
    page = "http://host:5000/#/experiments?workflowType=machine_learning"
    assert opened == ([page] if opens else [])
    assert served == []


def test_ui_opens_nothing_where_nobody_looks(
    begun: Path, port: int, opened: list[str], served: list[list[str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    at = ["--port", str(port), "--home", str(begun)]
    assert run(["ui", *at, "--json"]) == 0
    monkeypatch.setattr("search.cli.commands.ui.has_browser", lambda: False)
    assert run(["ui", *at]) == 0
    assert len(served) == 2
    assert opened == []


@pytest.mark.parametrize(
    ("option", "opens"), [([], True), (["--no-browser"], False), (["--json"], False)]
)
def test_dashboard_opens_what_it_prints(
    option: list[str], opens: bool, begun: Path, port: int, opened: list[str],
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    @contextlib.contextmanager
    def stopped() -> Iterator[Stop]:
        stop = Stop()
        stop.ask()
        yield stop

    monkeypatch.setattr("search.dashboard.application", lambda storage: None)
    monkeypatch.setattr("search.dashboard.serving", lambda *given: contextlib.nullcontext())
    monkeypatch.setattr("search.cli.commands.dashboard.interruptible", stopped)
    assert run(["dashboard", "movies", "--port", str(port), "--home", str(begun), *option]) == 0
    page = f"http://127.0.0.1:{port}/dashboard/studies/1"
    assert page in "".join(capsys.readouterr())
    assert opened == ([page] if opens else [])


@pytest.mark.parametrize(
    ("terminal", "displays", "opens"),
    [(True, ["DISPLAY"], True), (True, ["WAYLAND_DISPLAY"], True), (True, [], False),
     (False, ["DISPLAY"], False)],
)  # fmt: skip
def test_a_browser_is_there_where_a_terminal_has_windows(
    terminal: bool, displays: list[str], opens: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: terminal)
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    for name in displays:
        monkeypatch.setenv(name, ":0")
    assert has_browser() is opens
