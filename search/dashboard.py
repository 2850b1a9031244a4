"""Optuna's dashboard on the storage of studies, served by this process.

It is not started by its own command, among whose arguments the storage's address would stand with
its password.
"""

from __future__ import annotations

import io
import json
import threading
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from optuna.storages import BaseStorage

from search.errors import SearchError

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]
_READS = ("GET", "HEAD", "OPTIONS")
_NOTES = "/note"


def application(storage: BaseStorage) -> Application:
    """Make Optuna's dashboard of a storage, for `serving`.

    Args:
        storage: The storage.

    Raises:
        SearchError: Optuna's dashboard is not installed.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of its own
            import optuna_dashboard
    except ImportError:
        raise SearchError(
            "`dashboard` needs Optuna's dashboard, but it is not installed. Install the extra "
            "`dashboard`: pip install 'trialbook[dashboard]'"
        ) from None
    made: Application = optuna_dashboard.wsgi(storage)
    return made


class Guarded:
    """An application that shows studies and takes notes, and changes nothing else of them.

    Optuna's dashboard could end, rename and delete what a process works on and the record names.
    """

    def __init__(self, inner: Application, hosts: frozenset[str] | None) -> None:
        """Keep the application.

        Args:
            inner: The dashboard.
            hosts: Names that a browser may call this machine by; None for any. A page of somebody
                else's could else have its own name lead here.
        """
        self._inner = inner
        self._hosts = hosts

    def __call__(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        """Answer a request."""
        why = self._refused(environ)
        if not why:
            # A traceback of the dashboard's is nothing that a user can mend.
            return self._inner(environ | {"wsgi.errors": io.StringIO()}, start)
        body = json.dumps({"reason": why}).encode()
        head = [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
        start("403 Forbidden", head)
        return [body]

    def _refused(self, environ: dict[str, Any]) -> str:
        name = str(environ.get("HTTP_HOST", "")).rpartition(":")[0] or environ.get("HTTP_HOST", "")
        if self._hosts is not None and str(name).lower() not in self._hosts:
            return "This dashboard answers to names of this machine alone."
        is_note = str(environ.get("PATH_INFO", "")).endswith(_NOTES)
        if environ.get("REQUEST_METHOD") in _READS or is_note:
            return ""
        return (
            "This dashboard shows studies and takes notes. `trialbook delete` deletes a study with "
            "its record."
        )


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Handler(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """Print no line a request."""

    def get_stderr(self) -> Any:
        """Print no traceback where a browser goes away."""
        return io.StringIO()


@contextmanager
def serving(inner: Application, host: str, port: int) -> Iterator[None]:
    """Serve an application while the block runs.

    Args:
        inner: The application.
        host: Interface to listen on.
        port: Port to listen on.

    Raises:
        SearchError: The port was taken meanwhile.
    """
    try:
        server = make_server(host, port, inner, server_class=_Server, handler_class=_Handler)
    except OSError as error:
        raise SearchError(
            f"`port` must be free on {host}, but {port} is not ({error.strerror or error}). "
            "Choose another with `--port`."
        ) from None
    thread = threading.Thread(target=server.serve_forever, args=(0.1,), daemon=True)
    with server, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the dashboard's own, of few trials
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            thread.join()
