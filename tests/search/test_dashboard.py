"""Optuna's dashboard on a study's storage: it shows, and changes nothing but notes."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import optuna
import pytest
from calling import TRIALBOOK
from moody import free_port
from postgres import Server

from search.cli.main import run
from search.config.study import StudyConfig
from search.dashboard import Guarded, serving
from search.errors import SearchError
from search.storage.creation import create_or_load
from search.storage.studies import Studies
from search.storage.study_attributes import write_config
from tracking import Store

PATIENT_S = 120
SECRET = "pa55word"


def _hello(environ: dict[str, Any], start: Callable[..., Any]) -> list[bytes]:
    start("200 OK", [("Content-Type", "text/plain")])
    environ["wsgi.errors"].write("a traceback")
    return [environ["REQUEST_METHOD"].encode()]


def _ask(port: int, path: str, method: str = "GET", **headers: str) -> tuple[int, Any]:
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}{path}", method=method, headers=headers
    )
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()


@pytest.mark.parametrize(
    ("method", "path", "host", "status"),
    [
        ("GET", "/api/studies", "127.0.0.1:8080", 200),
        ("GET", "/", "localhost", 200),
        ("GET", "/", "elsewhere.example:8080", 403),
        ("PUT", "/api/studies/1/note", "127.0.0.1:8080", 200),
        ("DELETE", "/api/studies/1", "127.0.0.1:8080", 403),
        ("POST", "/api/studies/1/rename", "127.0.0.1:8080", 403),
        ("POST", "/api/trials/1/tell", "127.0.0.1:8080", 403),
    ],
)
def test_reading_and_notes_are_let_through_and_nothing_else(
    method: str, path: str, host: str, status: int, capfd: pytest.CaptureFixture[str]
) -> None:
    port = free_port()
    guarded = Guarded(_hello, frozenset({"127.0.0.1", "localhost"}))
    with serving(guarded, "127.0.0.1", port):
        code, told = _ask(port, path, method, Host=host)
    assert code == status
    if status == 403:
        assert json.loads(told)["reason"].startswith("This dashboard ")
    else:
        assert told == method.encode()
    assert capfd.readouterr() == ("", "")
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", port), timeout=5).close()


def test_a_dashboard_for_other_machines_answers_to_any_name() -> None:
    port = free_port()
    with serving(Guarded(_hello, None), "127.0.0.1", port):
        assert _ask(port, "/", Host="elsewhere.example")[0] == 200


def test_a_port_that_is_taken_is_one_line() -> None:
    port, inner = free_port(), Guarded(_hello, None)
    rule = rf"`port` must be free on 127\.0\.0\.1, but {port} is not"
    with (
        serving(inner, "127.0.0.1", port),
        pytest.raises(SearchError, match=rule),
        serving(inner, "127.0.0.1", port),
    ):
        pass


@pytest.fixture
def begun(tmp_path: Path) -> Path:
    """A home with a study of one trial."""
    home = tmp_path / "home"
    store = Store(home)
    store.make_folders()
    _begin(Studies(store))
    return home


def _begin(studies: Studies) -> None:
    study = create_or_load(studies.storage, "movies", ["minimize"])
    write_config(study, StudyConfig(name="movies"))
    study.add_trial(
        optuna.trial.create_trial(
            value=0.875,
            params={"size": 8},
            distributions={"size": optuna.distributions.IntDistribution(1, 9)},
        )
    )


def test_without_the_extra_a_line_says_what_to_install(
    begun: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "optuna_dashboard", None)
    assert run(["dashboard", "movies", "--home", str(begun)]) == 2
    told = capsys.readouterr()
    assert "pip install 'trialbook[dashboard]'" in told.err
    assert run(["dashboard", "nothing", "--home", str(begun)]) == 2
    assert "Known: movies." in capsys.readouterr().err


@contextmanager
def _started(
    begun: Path, *more: str, environment: dict[str, str] | None = None
) -> Iterator[tuple[int, dict[str, Any], subprocess.Popen[str]]]:
    """The command, once it has told where it answers; it is stopped by SIGTERM, and ends well."""
    pytest.importorskip("optuna_dashboard", reason="optuna-dashboard is not installed")
    port = free_port()
    command = ["dashboard", "movies", "--port", str(port), "--home", str(begun), "--json", *more]
    process = subprocess.Popen(
        [*TRIALBOOK, *command],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | (environment or {}),
    )
    latest = time.monotonic() + PATIENT_S
    while process.poll() is None and time.monotonic() < latest:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            break
        except OSError:
            time.sleep(0.1)
    told: dict[str, Any] = {}
    try:
        yield port, told, process
    finally:
        process.send_signal(signal.SIGTERM)
        output, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    assert "Traceback" not in errors
    told |= json.loads(output) | {"errors": errors}


@pytest.mark.slow
def test_a_study_is_shown_on_loopback_until_it_is_stopped(begun: Path) -> None:
    with _started(begun) as (port, told, _):
        status, page = _ask(port, "/dashboard/studies/1")
        assert (status, b"<html" in page.lower()) == (200, True)
        shown = json.loads(_ask(port, "/api/studies/1")[1])
        assert (shown["name"], [trial["values"] for trial in shown["trials"]]) == (
            "movies", [[0.875]],
        )  # fmt: skip
        assert _ask(port, "/api/studies/1", "DELETE")[0] == 403
        assert _ask(port, "/api/studies", Host="elsewhere.example")[0] == 403
    assert told["url"] == f"http://127.0.0.1:{port}/dashboard/studies/1"
    assert told["storage"].endswith("optuna.db")
    assert "Whoever reaches this machine" not in told["errors"]
    assert Studies(Store(begun)).names() == ["movies"]


@pytest.mark.slow
def test_another_address_than_loopback_is_warned_of(begun: Path) -> None:
    with _started(begun, "--host", "0.0.0.0") as (port, told, _):
        assert _ask(port, "/api/studies", Host="elsewhere.example")[0] == 200
    assert "Whoever reaches this machine at any of its addresses can read" in told["errors"]
    assert told["url"] == f"http://{socket.gethostname().lower()}:{port}/dashboard/studies/1"


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="looks at /proc")
def test_the_password_of_a_storage_is_neither_shown_nor_an_argument(
    tmp_path: Path, postgres: Server
) -> None:
    address = postgres.database().replace("postgres:@", f"postgres:{SECRET}@")
    assert SECRET in address
    _begin(Studies(Store(tmp_path / "home"), address))
    with _started(tmp_path / "home", environment={"TRIALBOOK_STORAGE": address}) as (port, told, p):
        assert json.loads(_ask(port, "/api/studies/1")[1])["name"] == "movies"
        group = [path for path in Path("/proc").glob("[0-9]*/status") if _is_of(path, p.pid)]
        arguments = [path.with_name("cmdline").read_bytes() for path in group]
        assert arguments
        assert not [each for each in arguments if SECRET.encode() in each]
    assert "***" in told["storage"]
    assert SECRET not in json.dumps(told)


def _is_of(status: Path, parent: int) -> bool:
    """Whether a process is a given one, or a child of it."""
    try:
        text = status.read_text()
    except OSError:  # it has ended
        return False
    return status.parent.name == str(parent) or f"PPid:\t{parent}\n" in text
