"""`trialbook dashboard`: show a study in Optuna's dashboard."""

from __future__ import annotations

import time
import webbrowser
from pathlib import Path

import click

from search.cli.common import (
    console,
    emit,
    home_option,
    json_option,
    open_studies,
    store_options,
    waiting,
)
from search.cli.pages import free_address, has_browser, page_options, reachable_at, served_url
from search.executor.interrupts import interruptible
from tracking import is_loopback, without_password

_LOCAL = ("localhost", "127.0.0.1", "[::1]")


@click.command(epilog="Example: trialbook dashboard sample")
@click.argument("study")
@page_options(port=8080)
@store_options
@home_option
@json_option
def command(
    study: str,
    host: str,
    port: int,
    no_browser: bool,
    storage: str | None,
    tracking_uri: str | None,
    home: Path,
    as_json: bool,
) -> int:
    """Show STUDY in Optuna's dashboard, until Ctrl-C (needs the extra `dashboard`).

    Only this machine can open the page, unless `--host` says otherwise. The dashboard shows all
    studies of the storage and takes notes, but deletes and renames nothing.
    """
    from search.dashboard import Guarded, application, serving

    studies = open_studies(home, storage, tracking_uri)
    studies.get(study)
    with waiting("Starting Optuna's dashboard …"):
        inner = application(studies.storage)
    address = free_address(host, port)
    is_local = is_loopback(address)
    guarded = Guarded(inner, frozenset((*_LOCAL, host.lower())) if is_local else None)
    number = studies.storage.get_study_id_from_name(study)
    url = f"{served_url(host, address, port)}/dashboard/studies/{number}"
    with interruptible() as stop, serving(guarded, address, port):
        out = console(as_json)
        if not is_local:
            out.print(
                f"Whoever reaches this machine at {reachable_at(host, address)} can read all "
                "studies of this storage and write notes: the dashboard asks for no password."
            )
        shown = without_password(studies.address or studies.store.optuna_uri)
        if as_json:
            emit({"url": url, "storage": shown})
        out.print(f"Optuna's dashboard on {shown} (Ctrl-C ends it):")
        out.print(url, style="bold", soft_wrap=True)
        if has_browser() and not (no_browser or as_json):
            webbrowser.open(url)
        while not stop.asked:
            time.sleep(0.1)
    return 0
