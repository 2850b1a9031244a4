"""A server that wants to know who asks, as MLflow's with its own authentication does."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

WORD = "Basic dXNlcjpzZUBrcmV0"
"""base64 of "user:se@kret"."""

Guarded = tuple[int, list[tuple[str, str, int]]]
"""A server's port, and what was asked and answered."""


@contextmanager
def guarded_server() -> Iterator[Guarded]:
    """A server that wants user and password while the block runs.

    As MLflow's own it answers to anybody that it is there.
    """
    asked: list[tuple[str, str, int]] = []

    class Guard(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            given = self.headers.get("Authorization", "none")
            if self.path.startswith("/moved"):
                self.send_response(308)
                self.send_header("Location", self.path.removeprefix("/moved"))
                self.end_headers()
                return
            is_open = self.path.endswith("/health") or given in (WORD, "Bearer token")
            asked.append((self.path, given, 200 if is_open else 401))
            self.send_response(asked[-1][-1])
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Guard) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_port, asked
        finally:
            server.shutdown()
            thread.join()
