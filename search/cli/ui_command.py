"""`trialbook ui`: the MLflow UI over the right store."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import click

from search.cli.common import DOES_NOT_HOLD, console, emit, home_option, json_option, open_store
from search.errors import SearchError
from search.interrupts import interruptible
from tracking import ui_command

_HOST = "127.0.0.1"
_GRACE_S = 10


@click.command(epilog="Example: trialbook ui --port 5000")
@click.option("--port", type=click.IntRange(1, 65535), default=5000, show_default=True)
@click.option("--tracking-uri", help="MLflow's address (default: mlflow.db).")
@home_option
@json_option
def command(port: int, tracking_uri: str | None, home: Path, as_json: bool) -> int:
    """Serve the MLflow UI on 127.0.0.1 until Ctrl-C."""
    store = open_store(home, tracking_uri)
    argv = ui_command(store, port, host=_HOST)
    store.prepare()
    _check_free(port)
    url = f"http://{_HOST}:{port}"
    if as_json:
        emit({"url": url, "tracking_uri": store.tracking_uri, "command": argv})
    console(as_json).print(f"MLflow UI on {store.tracking_uri}: {url} (Ctrl-C ends it)")
    return _serve(argv)


def _check_free(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((_HOST, port))
        except OSError as error:
            raise SearchError(
                f"`port` must be free on {_HOST}, but {port} is not ({error.strerror}). "
                "Choose another with `--port`."
            ) from None


def _serve(argv: list[str]) -> int:
    """Run the server and its workers as one group, and end all of it when asked to stop."""
    with interruptible() as stop:
        process = subprocess.Popen(argv, start_new_session=True, stdout=sys.stderr)
        try:
            while process.poll() is None and not stop.asked:
                time.sleep(0.1)
        finally:
            stopped = process.poll() is None
            if stopped:
                _end_group(process)
    return 0 if stopped or process.returncode == 0 else DOES_NOT_HOLD


def _end_group(process: subprocess.Popen[bytes]) -> None:
    os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(_GRACE_S)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
