"""`trialbook ui`: serve the MLflow UI on Trialbook's store."""

from __future__ import annotations

import errno
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryFile

import click

from search.cli.common import (
    DOES_NOT_HOLD,
    command_line,
    console,
    emit,
    home_option,
    json_option,
    open_store,
    tracking_option,
    waiting,
)
from search.errors import SearchError
from search.executor.interrupts import interruptible
from tracking import is_loopback, ui_command, ui_environment, without_password

_HOST = "127.0.0.1"
_EVERYWHERE = "0.0.0.0"
_GRACE_S = 10


@click.command(epilog="Example: trialbook ui --port 5000")
@click.option(
    "--host",
    default=_HOST,
    show_default=True,
    metavar="NAME",
    help="Name or address of this machine at which it answers; 0.0.0.0 for all of them.",
)
@click.option("--port", type=click.IntRange(1, 65535), default=5000, show_default=True)
@tracking_option
@home_option
@json_option
def command(host: str, port: int, tracking_uri: str | None, home: Path, as_json: bool) -> int:
    """Serve the MLflow UI until Ctrl-C, for this machine alone unless `--host` says otherwise."""
    store = open_store(home, tracking_uri)
    argv = ui_command(store, port, host=host)
    store.require_folder()
    if not store.exists():
        raise SearchError(
            f"`ui` needs a record to show, but there is none in {store.sqlite_file}. "
            f"Start a study: {command_line(home, 'search', tracking_uri=tracking_uri)}"
        )
    store.prepare()
    address = _free_address(host, port)
    everywhere = address == _EVERYWHERE

    def announce() -> None:
        if not is_loopback(address):
            console(as_json).print(
                f"Whoever reaches this machine at {'any of its addresses' if everywhere else host} "
                "can read, change and delete what the record holds: the UI asks for no password."
            )
        url = f"http://{socket.gethostname().lower() if everywhere else host}:{port}"
        shown = without_password(store.tracking_uri)
        if as_json:
            words = [without_password(word) for word in argv]
            emit({"url": url, "tracking_uri": shown, "command": words})
        console(as_json).print(f"MLflow UI on {shown}: {url} (Ctrl-C ends it)")

    return _serve(argv, ui_environment(store, host, port), (host, port), announce)


def _free_address(host: str, port: int) -> str:
    """The address that a name or a shorter way to write it stands for, once its port is free."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            if not host:  # the system takes it for all addresses
                raise UnicodeError("it is empty")
            probe.bind((host.encode("idna"), port))
        except (OSError, UnicodeError) as error:
            why = getattr(error, "strerror", None) or error
            is_unknown = isinstance(error, (socket.gaierror, UnicodeError))
            if is_unknown or getattr(error, "errno", None) == errno.EADDRNOTAVAIL:
                raise SearchError(
                    f"`host` must be a name or IPv4 address of this machine, but {host!r} is "
                    f"not ({why})."
                ) from None
            raise SearchError(
                f"`port` must be free on {host}, but {port} is not ({why}). Choose another with "
                "`--port`."
            ) from None
        return str(probe.getsockname()[0])


def _serve(
    argv: list[str],
    environment: dict[str, str],
    place: tuple[str, int],
    announce: Callable[[], None],
) -> int:
    """Run the MLflow server and its workers as one process group; a stop ends the whole group.

    Args:
        argv: The server's command line; what it prints is shown only if it fails.
        environment: Its environment variables.
        place: The host and port at which it will answer.
        announce: Called once it does.
    """
    with interruptible() as stop, TemporaryFile() as log:
        process = subprocess.Popen(
            argv, env=environment, start_new_session=True, stdout=log, stderr=subprocess.STDOUT
        )
        try:
            with waiting("Starting the MLflow UI …"):
                while process.poll() is None and not stop.asked and not _answers(place):
                    time.sleep(0.1)
            if process.poll() is None and not stop.asked:
                announce()
            while process.poll() is None and not stop.asked:
                time.sleep(0.1)
        finally:
            stopped = process.poll() is None
            if stopped:
                _end_group(process)
        if stopped or process.returncode == 0:
            return 0
        log.seek(0)
        lines = log.read().decode("utf-8", "replace").split("\n")
        last = next((line.strip() for line in reversed(lines) if line.strip()), "nothing")
        console(True).print(
            f"The MLflow server ended with exit code {process.returncode}; it said last: "
            f"{without_password(last)}"
        )
        return DOES_NOT_HOLD


def _answers(place: tuple[str, int]) -> bool:
    try:
        socket.create_connection(place, timeout=1).close()
    except OSError:
        return False
    return True


def _end_group(process: subprocess.Popen[bytes]) -> None:
    os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(_GRACE_S)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
