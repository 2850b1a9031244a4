"""Addresses are read by Apprise, and shown nowhere."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from calling import TRIALBOOK

from search.cli.main import run
from search.errors import SearchError
from search.notify.addresses import addresses

PASSWORD = "pa55word"
# Apprise imports all that it can send by, some of which Python warns of.
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")


class Server(ThreadingHTTPServer):
    """A server on loopback that keeps what is posted to it."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.posted: list[tuple[str, str]] = []

    def url(self, path: str = "") -> str:
        return f"json://me:{PASSWORD}@127.0.0.1:{self.server_address[1]}/{path}"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_POST(self) -> None:
        told = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.posted.append((told["title"], told["message"]))
        self.send_response(500 if "refuses" in self.path else 200)
        self.end_headers()

    def log_message(self, format: str, *arguments: object) -> None:
        """Print nothing."""


@pytest.fixture
def server() -> Iterator[Server]:
    pytest.importorskip("apprise", reason="Apprise (the extra `notify`) is not installed")
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_without_apprise_a_line_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "apprise", None)
    monkeypatch.setenv("TRIALBOOK_NOTIFY", f"json://me:{PASSWORD}@host")
    assert run(["search", "--study", "n", "--home", str(home)]) == 2
    told = capsys.readouterr().err
    assert "pip install 'trialbook[notify]'" in told
    assert told.count("\n") == 1
    assert PASSWORD not in told
    assert "TRIALBOOK_NOTIFY" not in os.environ  # no child process inherits it


def test_a_notification_is_sent_as_plain_text(server: Server) -> None:
    (place,) = addresses([server.url()])
    assert place.send("Trialbook: a_b_", "<b>*best*</b>: 0.9\nmore") is True
    assert server.posted == [("Trialbook: a_b_", "<b>*best*</b>: 0.9\nmore")]


def test_a_refusal_is_told_by_the_answer_alone(
    server: Server, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    (place,) = addresses([server.url("refuses")])
    assert place.send("title", "text") is False
    server.shutdown()
    server.server_close()
    assert place.send("title", "text") is False
    assert capfd.readouterr() == ("", "")
    assert caplog.text == ""


def test_an_address_that_is_none_is_not_shown(server: Server) -> None:
    for wrong in (f"nothing://me:{PASSWORD}@host", PASSWORD, ""):
        with pytest.raises(SearchError, match="but number 2 of 2 is none") as told:
            addresses([server.url(), wrong])
        assert PASSWORD not in str(told.value)
    with pytest.raises(SearchError, match="but the one given is none"):
        addresses(["nothing"])


@pytest.mark.slow
def test_a_study_tells_of_its_best_and_its_end_and_stores_no_address(
    server: Server, home: Path, ratings_file: Path
) -> None:
    command = [
        *TRIALBOOK, "search", "--study", "n", "--data", str(ratings_file), "--trials", "2",
        "--epochs", "2", "--keep-models", "none", "--home", str(home),
    ]  # fmt: skip
    urls = f"{server.url()} {server.url('refuses')}"
    done = subprocess.run(
        command, env=os.environ | {"TRIALBOOK_NOTIFY": urls}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    best, end = server.posted[0], server.posted[-1]
    assert best[0] == end[0] == "Trialbook: n"
    assert best[1].startswith("A new best: best_val_rmse ")
    assert end[1].startswith("The study ended after 2 trials. Best: best_val_rmse ")
    assert done.stderr.count("A notification could not be sent") == 1
    assert PASSWORD not in done.stdout + done.stderr
    for database in home.glob("*.db"):
        with closing(sqlite3.connect(database)) as connection:
            assert PASSWORD not in "\n".join(connection.iterdump())
    files = [path for path in home.rglob("*") if path.is_file()]
    assert not [path for path in files if PASSWORD.encode() in path.read_bytes()]


@pytest.mark.slow
def test_an_address_among_the_arguments_is_warned_of(server: Server, home: Path) -> None:
    done = subprocess.run(
        [*TRIALBOOK, "search", "nothing.toml", "--notify", server.url(), "--home", str(home)],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2
    assert "Everybody on this machine can read the address in `--notify`" in done.stderr
    assert PASSWORD not in done.stderr
