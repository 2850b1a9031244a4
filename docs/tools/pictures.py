"""Makes the README's pictures of the default study anew: `make pictures`.

    python docs/tools/pictures.py [--home FOLDER] [--browser PATH]

It runs `trialbook search` in a new home, or takes one that has the study already, and opens
`trialbook ui` and the report in Chromium. It needs Playwright (extra `dev`) and takes two minutes.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

ROOT = Path(__file__).resolve().parents[2]
IMAGES = ROOT / "docs" / "images"
STUDY = "sample"
_WIDTH = 96
_TRIALBOOK = [sys.executable, "-P", "-m", "search"]
_PAGE = (
    "<!DOCTYPE html><meta charset='utf-8'><style>{stylesheet} body {{ margin: 0; padding: 14px; "
    "width: max-content; background: #1b1d21; color: #e6e6e6; font-size: 15px }} "
    "pre {{ margin: 0; line-height: 1.32; font-family: 'DejaVu Sans Mono', monospace }}</style>"
    "<body><pre><code style='font-family: inherit'>{code}</code></pre></body>"
)
_PATIENT_MS = 120_000


def main() -> None:
    """Make the pictures, and say where they are."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--home", type=Path, help="a home with the default study; else a new one")
    parser.add_argument("--browser", default=shutil.which("chromium"), help="Chromium's path")
    given = parser.parse_args()
    if given.browser is None:
        sys.exit("Pictures need Chromium, but none is on the PATH. Name one with --browser PATH.")
    with tempfile.TemporaryDirectory(prefix="pictures-") as folder:
        home = given.home or Path(folder) / "mlruns"
        page = Path(folder) / "terminal.html"
        page.write_text(_terminal(home), encoding="utf-8")
        with _browser(given.browser) as browser:
            _take(browser, f"file://{page}", "terminal.png", width=100, whole=True)
            with _pages(home) as (ranked, curves):
                _take(browser, ranked, "mlflow-ui.png", awaits="a:has-text('t00')")
                _take(browser, curves, "mlflow-curves.png", awaits=".js-plotly-plot", pause_ms=4000)
    for name in ("terminal.png", "mlflow-ui.png", "mlflow-curves.png"):
        print(IMAGES / name)


def _environment() -> dict[str, str]:
    # With the command on the PATH the lines to go on with call it as the picture does.
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    return os.environ | {"PYTHONPATH": str(ROOT), "COLUMNS": str(_WIDTH), "PATH": path}


def _terminal(home: Path) -> str:
    """What a terminal shows of the study, as a web page."""
    told = subprocess.run(
        [*_TRIALBOOK, "search", "--quiet", "--home", str(home)],
        env=_environment() | {"FORCE_COLOR": "1"},
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=True,
    )  # fmt: skip
    said = told.stdout.replace(f" --home {home}", "")  # the default one needs no name
    console = Console(record=True, width=_WIDTH, file=open(os.devnull, "w"))  # noqa: SIM115
    console.print(Text("$ trialbook search"))
    console.print(Text.from_ansi(said))
    return console.export_html(theme=MONOKAI, code_format=_PAGE)


@contextmanager
def _browser(path: str) -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=path, args=["--no-sandbox", "--disable-gpu", "--no-first-run"]
        )
        yield browser
        browser.close()


@contextmanager
def _pages(home: Path) -> Iterator[list[str]]:
    """Serve MLflow's pages; yield the two addresses that `trialbook ui` prints."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    process = subprocess.Popen(
        [*_TRIALBOOK, "ui", STUDY, "--no-browser", "--home", str(home), "--port", port],
        env=_environment(), stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    lines = [process.stdout.readline() for _ in range(3)]
    try:
        yield [f"http{line.partition('http')[2].strip()}" for line in lines[1:]]
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)


def _take(
    browser: Any,
    address: str,
    name: str,
    *,
    width: int = 1440,
    awaits: str = "body",
    whole: bool = False,
    pause_ms: int = 1500,
) -> None:
    """Open an address as somebody who was never there, and keep a picture of it."""
    context = browser.new_context(viewport={"width": width, "height": 820 if not whole else 100})
    page = context.new_page()
    page.goto(address)
    page.wait_for_selector(awaits, timeout=_PATIENT_MS)
    page.wait_for_timeout(pause_ms)
    target = page.locator("body") if whole else page
    target.screenshot(path=str(IMAGES / name))
    context.close()


if __name__ == "__main__":
    main()
