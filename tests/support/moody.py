"""A real MLflow server behind a door that may be slow, answer with errors, or be shut.

What the server stores lies on a small disk of its own, which may be full.
"""

from __future__ import annotations

import http.client
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import psutil

PASSES, FAILS, SLOW, FULL = "passes", "fails", "slow", "full"
"""What the door does: lets requests pass; answers 500; lets them pass after two seconds; answers
that there is no space left, as a server does whose disk is full."""

_SLOW_S = 2.0
_FAILURES = {FAILS: (500, b"broken"), FULL: (507, b"database or disk is full")}


class MoodyServer:
    """An MLflow server, and the door to it.

    Attributes:
        address: Of the door: what a study is given.
        mood: What the door does now.
        turned_away: Requests that were answered with a failure.
        has_disk: Whether it has a disk of its own, for which it takes the right to mount one.
    """

    def __init__(self, folder: Path) -> None:
        """Keep the folder; nothing runs yet."""
        self._folder = folder
        self._port = free_port()
        self._server: subprocess.Popen[bytes] | None = None
        self._disk = folder / "disk"
        self._disk.mkdir()
        mount = ["mount", "-t", "tmpfs", "-o", "size=128m", "none", str(self._disk)]
        self.has_disk = not subprocess.run(mount, capture_output=True, check=False).returncode
        self.mood = PASSES
        self.turned_away = 0
        door = self

        class Handler(BaseHTTPRequestHandler):
            def _any(self) -> None:
                door.answer(self)

            do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = _any

            def log_message(self, *_: Any) -> None:
                pass

        self._door = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._door.daemon_threads = True
        threading.Thread(target=self._door.serve_forever, daemon=True).start()
        self.address = f"http://127.0.0.1:{self._door.server_address[1]}"

    def start(self) -> None:
        """Start the server behind the door, and wait until it answers."""
        command = [
            sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1",
            "--port", str(self._port), "--workers", "1",
            "--backend-store-uri", f"sqlite:///{self._disk}/server.db",
            "--artifacts-destination", str(self._disk / "artifacts"),
        ]  # fmt: skip
        with (self._folder / "server.txt").open("ab") as log:
            self._server = subprocess.Popen(
                command, stdout=log, stderr=log, start_new_session=True, env={**os.environ}
            )
        latest = time.monotonic() + 120
        while not listens(self._port):
            assert time.monotonic() < latest, (self._folder / "server.txt").read_text()
            time.sleep(0.3)

    def stop(self) -> None:
        """Kill the server behind the door; requests are refused as of a machine that is down."""
        if self._server is None:
            return
        family = psutil.Process(self._server.pid).children(recursive=True)
        for process in (*family, self._server):
            process.kill()
        self._server.wait()
        self._server = None

    def close(self) -> None:
        """End the server, and shut the door."""
        self.stop()
        self._door.shutdown()
        self._door.server_close()
        if self.has_disk:
            subprocess.run(["umount", "-l", str(self._disk)], check=False)

    @contextmanager
    def full(self) -> Iterator[None]:
        """In the block the server's disk is full; one that it shares with others only seems so."""
        ballast = self._disk / "ballast"
        if not self.has_disk:
            self.mood = FULL
        else:
            with suppress(OSError), ballast.open("wb", buffering=0) as file:
                while True:
                    file.write(bytes(min(1 << 20, max(1, shutil.disk_usage(self._disk).free))))
        try:
            yield
        finally:
            self.mood = PASSES
            ballast.unlink(missing_ok=True)

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        """Answer a request as the mood is."""
        length = int(request.headers.get("Content-Length") or 0)
        body = request.rfile.read(length) if length else None
        if self.mood in _FAILURES:
            self.turned_away += 1
            self._say(request, *_FAILURES[self.mood])
            return
        if self.mood == SLOW:
            time.sleep(_SLOW_S)
        try:
            heads = {k: v for k, v in request.headers.items() if k.lower() != "host"}
            server = http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)
            with closing(server) as inner:
                inner.request(request.command, request.path, body, heads)
                found = inner.getresponse()
                self.turned_away += found.status >= HTTPStatus.INTERNAL_SERVER_ERROR
                self._say(request, found.status, found.read(), found.getheader("Content-Type"))
        except OSError:
            self.turned_away += 1
            request.close_connection = True
            request.connection.close()

    @staticmethod
    def _say(
        request: BaseHTTPRequestHandler, status: int, body: bytes, kind: str | None = None
    ) -> None:
        try:
            request.send_response(status)
            request.send_header("Content-Type", kind or "text/plain")
            request.send_header("Content-Length", str(len(body)))
            request.end_headers()
            request.wfile.write(body)
        except OSError:  # who asked is gone
            pass


def listens(port: int) -> bool:
    """Whether an MLflow server answers at a port."""
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=2)) as inner:
        try:
            inner.request("GET", "/health")
            return inner.getresponse().status == 200
        except OSError:
            return False


def free_port() -> int:
    """A port of this machine that nobody listens at."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])
