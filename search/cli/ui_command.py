"""`trialbook ui`: the MLflow UI over the right store."""

from __future__ import annotations

import subprocess
from pathlib import Path

import click

from search.cli.common import DOES_NOT_HOLD, console, emit, home_option, json_option, open_store
from tracking import ui_command


@click.command(epilog="Example: trialbook ui --port 5000")
@click.option("--port", type=click.IntRange(1, 65535), default=5000, show_default=True)
@click.option("--tracking-uri", help="MLflow's address (default: mlflow.db).")
@home_option
@json_option
def command(port: int, tracking_uri: str | None, home: Path, as_json: bool) -> int:
    """Serve the MLflow UI on 127.0.0.1 until Ctrl-C."""
    store = open_store(home, tracking_uri)
    store.prepare()
    url = f"http://127.0.0.1:{port}"
    argv = ui_command(store, port)
    if as_json:
        emit({"url": url, "tracking_uri": store.tracking_uri, "command": argv})
    console(as_json).print(f"MLflow UI on {store.tracking_uri}: {url} (Ctrl-C ends it)")
    process = subprocess.Popen(argv)
    try:
        code = process.wait()
    except KeyboardInterrupt:
        process.terminate()
        process.wait()
        return 0
    return 0 if code == 0 else DOES_NOT_HOLD
