"""`trialbook ui`: serve the MLflow UI on Trialbook's store."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import time
import webbrowser
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING

import click

from search.cli.common import (
    command_line,
    console,
    emit,
    home_option,
    json_option,
    open_studies,
    store_options,
    waiting,
)
from search.cli.exits import DOES_NOT_HOLD
from search.cli.pages import free_address, has_browser, page_options, reachable_at, served_url
from search.errors import SearchError
from search.executor.interrupts import interruptible
from tracking import (
    Store,
    StudyRecord,
    is_loopback,
    page_of,
    renew_view,
    run_page,
    ui_command,
    ui_environment,
    without_password,
)
from tracking.scratch import scratch_folder

if TYPE_CHECKING:
    from search.storage.studies import Studies

_GRACE_S = 10


@click.command(epilog="Example: trialbook ui sample")
@click.argument("study", required=False)
@click.argument("number", required=False, type=int)
@page_options(port=5000)
@store_options
@home_option
@json_option
def command(
    study: str | None,
    number: int | None,
    host: str,
    port: int,
    no_browser: bool,
    storage: str | None,
    tracking_uri: str | None,
    home: Path,
    as_json: bool,
) -> int:
    """Show STUDY, its trial NUMBER or all studies in MLflow's pages, until Ctrl-C.

    Only this machine can open the pages, unless `--host` says otherwise. A study's trials are
    ranked, with plots of the parameters that matter. If an MLflow server has the record, the
    server's own pages are opened.
    """
    studies = open_studies(home, storage, tracking_uri)
    with waiting("Opening the record …"):
        shown = _shown(study, studies, home, tracking_uri)
        if number is not None:
            shown = replace(shown, run=_run_of(studies.record(str(study)), number))
    opens = not (no_browser or as_json)
    if shown.store.served:
        return _tell(shown, shown.store.tracking_uri, [], as_json, opens=opens)
    argv = ui_command(shown.store, port, host=host)
    address = free_address(host, port)

    def announce() -> None:
        if not is_loopback(address):
            console(as_json).print(
                f"Whoever reaches this machine at {reachable_at(host, address)} "
                "can read, change and delete what the record holds: the UI asks for no password."
            )
        _tell(shown, served_url(host, address, port), argv, as_json, opens=opens)

    return _serve(argv, ui_environment(shown.store, host, port), (host, port), announce)


@dataclass(frozen=True, slots=True)
class _Shown:
    """What is shown: a store, and one study's experiment in it or all of them, or a run."""

    store: Store
    experiment: str | None = None
    run: str | None = None


def _run_of(record: StudyRecord, number: int) -> str:
    """The run of a trial."""
    from search.cli.commands.show import find_trial

    run = find_trial(record, number).run_id
    if run is None:
        raise SearchError(
            f"`ui` shows a trial that has a run in MLflow, but trial {number} of {record.name} has "
            f"none. `trialbook ui {record.name}` shows the study."
        )
    return run


def _shown(study: str | None, studies: Studies, home: Path, tracking_uri: str | None) -> _Shown:
    """Look for what is to be shown, before anything is served."""
    from search.storage.study_attributes import config_of

    config = None if study is None else config_of(studies.get(study))
    store = studies.store_of(config)
    store.require_folder()
    if not store.served and not store.exists():
        raise SearchError(
            f"`ui` needs a record to show, but there is none in {store.sqlite_file}. "
            f"Start a study: {command_line(home, 'search', tracking_uri=tracking_uri)}"
        )
    store.prepare()
    return _Shown(store, None if study is None else renew_view(store, studies.record(study)))


def _tell(shown: _Shown, server: str, argv: list[str], as_json: bool, *, opens: bool) -> int:
    """Say where the pages are, and open them in a browser where a person would see it."""
    url = run_page(server, shown.experiment, shown.run) or page_of(server, shown.experiment)
    record = without_password(shown.store.tracking_uri)
    ends = " (Ctrl-C ends it)" if argv else ""
    if as_json:
        words = [without_password(word) for word in argv]
        emit({"url": url, "tracking_uri": record, "command": words})
    console(as_json).print(f"MLflow's pages on {record}{ends}:")
    console(as_json).print(url, style="bold", soft_wrap=True)
    if shown.experiment is not None and shown.run is None:
        curves = page_of(server, shown.experiment, curves=True)
        console(as_json).print(f"Curves of the best, and charts: {curves}", soft_wrap=True)
    if opens and has_browser():
        webbrowser.open(url)
    return 0


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
    with interruptible() as stop, TemporaryFile() as log, scratch_folder("ui") as nowhere:
        process = subprocess.Popen(
            argv,
            env=environment,
            cwd=nowhere,  # MLflow's server takes modules from its working directory
            start_new_session=True,
            stdout=log,
            stderr=subprocess.STDOUT,
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
    """End a server and the workers that it began, which are a process group where there is one."""
    if not hasattr(os, "killpg"):
        _end_each(process)
        return
    os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(_GRACE_S)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _end_each(process: subprocess.Popen[bytes]) -> None:
    """End a server and the workers that it began, one by one, as on Windows."""
    import psutil

    workers = psutil.Process(process.pid).children(recursive=True)
    process.terminate()
    for worker in workers:
        with contextlib.suppress(psutil.NoSuchProcess):
            worker.terminate()
    process.wait()
