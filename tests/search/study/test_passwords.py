"""A password in an address is nowhere but in the environment of the process that was given it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest
from postgres import Server

SECRET = "hunter2-and-more"


def cmdlines() -> bytes:
    """The arguments of all processes of this machine."""
    found = b""
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found += path.read_bytes()
        except OSError:
            continue  # it has ended
    return found


def contents(address: str) -> str:
    """All that stands in the tables of a database."""
    found = []
    with psycopg.connect(address) as connection:
        tables = connection.execute(
            "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'"
        ).fetchall()
        for (table,) in tables:
            found += connection.execute(f'SELECT * FROM "{table}"').fetchall()
    return repr(found)


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="looks at /proc")
def test_no_password_is_left_anywhere(tmp_path: Path, postgres: Server, ratings_file: Path) -> None:
    plain = [postgres.database() for _ in range(2)]
    storage, record = (address.replace("postgres:@", f"postgres:{SECRET}@") for address in plain)
    home = tmp_path / "home"
    environment = os.environ | {"TRIALBOOK_STORAGE": storage, "TRIALBOOK_TRACKING_URI": record}
    printed = tmp_path / "printed.txt"

    def call(*words: str) -> None:
        command = [sys.executable, "-m", "search", *words, "--home", str(home)]
        with printed.open("a") as output:
            process = subprocess.Popen(
                command, stdout=output, stderr=subprocess.STDOUT, env=environment
            )
            while process.poll() is None:
                assert SECRET.encode() not in cmdlines()
                time.sleep(0.1)
        assert process.returncode == 0, printed.read_text()

    search = ["search", "--study", "movies", "--trials", "3", "--epochs", "2"]
    call(*search, "--data", str(ratings_file), "--sampler", "random")
    call(*search, "--json")
    call("worker", "movies")
    call("show", "movies", "--json")
    call("show", "movies", "1")
    call("studies", "--json")
    call("doctor", "movies")
    call("winner", "movies", "--top", "1", "--repeats", "2", "--json")
    call("compare", "movies", "--json")
    call("export", "movies", "--output", str(tmp_path / "movies.csv"))
    call("reproduce", "movies:1", "--json")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with printed.open("a") as output:
        pages = subprocess.Popen(
            [sys.executable, "-m", "search", "ui", "--port", str(port), "--home", str(home)],
            stdout=output, stderr=subprocess.STDOUT, env=environment,
        )  # fmt: skip
        for _ in range(100):
            assert SECRET.encode() not in cmdlines()
            time.sleep(0.1)
        pages.send_signal(signal.SIGINT)
        pages.wait(60)
    environment["TRIALBOOK_TRACKING_URI"] = f"http://me:{SECRET}@127.0.0.1:9"  # nobody is there
    call("search", "--study", "away", *search[3:], "--data", str(ratings_file))
    assert "could not be made in MLflow" in printed.read_text()
    environment["TRIALBOOK_TRACKING_URI"] = record
    assert "movies" in printed.read_text()
    assert SECRET not in printed.read_text()
    for address in plain:
        kept = contents(address)
        assert "movies" in kept
        assert SECRET not in kept
    files = [path for path in home.rglob("*") if path.is_file()]
    assert len(files) > 5
    for path in files:
        assert SECRET.encode() not in path.read_bytes(), path
    call("delete", "movies", "--yes")
    assert SECRET not in printed.read_text()
