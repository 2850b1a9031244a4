"""A password in an address is nowhere but in the environment of the process that was given it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
from postgres import Server
from psycopg.errors import DuplicateObject

SECRET = "hunter2-and-more"
WRITTEN = f"{SECRET}%21%2F"
"""A password as an address writes it; a part of it counts as shown as well."""


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
    with psycopg.connect(plain[0], autocommit=True) as server, suppress(DuplicateObject):
        server.execute('CREATE ROLE "me@corp" SUPERUSER LOGIN')
    storage, record = (a.replace("postgres:@", f"me@corp:{WRITTEN}@") for a in plain)
    assert storage != plain[0]
    home, temporary = tmp_path / "home", tmp_path / "temporary"
    temporary.mkdir()
    environment = os.environ | {"TRIALBOOK_STORAGE": storage, "TRIALBOOK_TRACKING_URI": record}
    environment["TMPDIR"] = str(temporary)
    printed = tmp_path / "printed.txt"

    def call(*words: str, code: int = 0) -> None:
        command = [sys.executable, "-m", "search", *words, "--home", str(home)]
        with printed.open("a") as output:
            process = subprocess.Popen(
                command, stdout=output, stderr=subprocess.STDOUT, env=environment
            )
            while process.poll() is None:
                assert SECRET.encode() not in cmdlines()
                time.sleep(0.1)
        assert process.returncode == code, printed.read_text()

    search = ["search", "--study", "movies", "--trials", "3", "--epochs", "2"]
    call(*search, "--data", str(ratings_file), "--sampler", "random")
    call(*search, "--json")
    call("worker", "movies")
    killed = [sys.executable, "-m", "search", *search, "--study", "killed", "--home", str(home)]
    with printed.open("a") as output:
        process = subprocess.Popen(
            [*killed, "--data", str(ratings_file), "--epochs", "500"],
            stdout=output, stderr=subprocess.STDOUT, env=environment,
        )  # fmt: skip
        time.sleep(8)
        process.kill()
        process.wait()
    call("doctor", "--fix")
    call("show", "movies", "--json")
    call("show", "movies", "1")
    call("studies", "--json")
    call("doctor", "movies")
    call("winner", "movies", "--top", "1", "--repeats", "2", "--json")
    call("compare", "movies", "--json")
    call("export", "movies", "--output", str(tmp_path / "movies.csv"))
    page = tmp_path / "movies.html"
    call("report", "movies", "--output", str(page))
    assert SECRET not in page.read_text(encoding="utf-8")
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
    environment["TRIALBOOK_TRACKING_URI"] = f"http://me@corp:{WRITTEN}@127.0.0.1:9"  # nobody there
    call("search", "--study", "away", *search[3:], "--data", str(ratings_file))
    assert "could not be made in MLflow" in printed.read_text()
    environment["TRIALBOOK_TRACKING_URI"] = record
    name = urlsplit(plain[0]).path.strip("/")
    for refused in (
        storage.replace(name, "nothing"),
        f"postgresql://me@corp:{SECRET} x@nohost.invalid/x",
        f"postgresql://me:{SECRET}@{SECRET}@nohost.invalid/x",
    ):
        environment["TRIALBOOK_STORAGE"] = refused
        call("studies", "--debug", code=2)
    environment["TRIALBOOK_STORAGE"] = storage
    assert "movies" in printed.read_text()
    assert SECRET not in printed.read_text()
    for address in plain:
        kept = contents(address)
        assert "movies" in kept
        assert SECRET not in kept
    files = [path for place in (home, temporary) for path in place.rglob("*") if path.is_file()]
    assert len(files) > 5
    for path in files:
        assert SECRET.encode() not in path.read_bytes(), path
    call("delete", "movies", "--yes")
    assert SECRET not in printed.read_text()
