"""A study in MLflow's pages, as a person sees it: in a real browser, where there is one."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from browsing import NEEDS_BROWSER, started_browser
from calling import Here

from tracking import StudyRecord
from tracking.figures.data import best_curves, curve_limits

PATIENT_MS = 90_000
"""MLflow's pages are large, and machines may be busy."""

pytestmark = NEEDS_BROWSER


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("pages") / "mlruns"


@pytest.fixture(scope="module")
def record(home: Path, ratings_file: Path) -> StudyRecord:
    from search import StudyConfig, run_study

    config = StudyConfig(
        name="movies", trials=6, epochs=3, data=str(ratings_file), sampler="random",
        pruner="none", keep_models="none",
    )  # fmt: skip
    return run_study(config, home=home).record


@pytest.fixture(scope="module")
def addresses(record: StudyRecord, home: Path, tmp_path_factory: Any) -> Iterator[list[str]]:
    """What `trialbook ui` prints, while it serves: the ranked trials, and the curves."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    folder = tmp_path_factory.mktemp("working")
    (folder / "html.py").write_text("raise SystemExit('a file of the user is not a module')")
    command = [
        sys.executable,
        "-P",
        "-m",
        "search",
        "ui",
        record.name,
        "--home",
        str(home),
        "--port",
        str(port),
    ]
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[3])}
    process = subprocess.Popen(
        command, cwd=folder, stdout=subprocess.PIPE, text=True, env=environment
    )
    assert process.stdout is not None
    lines = [process.stdout.readline() for _ in range(3)]
    yield [f"http{line.partition('http')[2].strip()}" for line in lines[1:]]
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    assert process.returncode == 0


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with started_browser() as browser:
        yield browser


_MLFLOWS_OWN = {
    "/mlflow/users/current": "its pages ask who is there, also a server that knows no users",
    "ResizeObserver loop completed": "Chromium, where charts change their size twice a frame",
}
"""What fails on MLflow's pages without our doing, by a part of its text or address, and why."""


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    """A page of somebody who was never here, on which nothing fails but what is MLflow's own.

    That is: no answer of an error, no exception, and no error on the browser's console.
    """
    context = browser.new_context(viewport={"width": 1500, "height": 900})
    page = context.new_page()
    failed: list[str] = []

    def answered(answer: Any) -> None:
        if answer.status >= 400:
            failed.append(f"{answer.status} {answer.request.method} {answer.url}")

    def said(message: Any) -> None:
        if message.type == "error":
            failed.append(f"{message.text} ({message.location.get('url', '')})")

    page.on("response", answered)
    page.on("console", said)
    page.on("pageerror", lambda error: failed.append(str(error)))
    yield page
    context.close()
    assert [each for each in failed if not any(own in each for own in _MLFLOWS_OWN)] == []


def rows(page: Any) -> list[str]:
    """Names of the runs in the table, from above."""
    page.wait_for_selector("text=matching runs", timeout=PATIENT_MS)
    page.wait_for_selector("a:has-text('t00')", timeout=PATIENT_MS)
    names: list[str] = page.locator("a:has-text('t00')").all_inner_texts()
    return names


def kept(page: Any, name: str, folder: Path) -> None:
    """Keep a picture, in the folder that SCREENSHOTS names if it does."""
    page.screenshot(path=str(Path(os.environ.get("SCREENSHOTS", folder)) / f"{name}.png"))


def test_the_first_row_is_the_best_trial_with_what_it_tried(
    record: StudyRecord, addresses: list[str], page: Any, tmp_path: Path
) -> None:
    page.goto(addresses[0])
    shown = rows(page)
    ranked = [f"t{trial.number:03d}" for trial in record.ranked()]
    assert [name.split()[0] for name in shown] == ranked
    assert record.best is not None
    assert shown[0].split()[1] == f"{record.best.value:.4f}"
    for column in (
        "best_val_rmse", "best_epoch", "time/seconds_total", "trialbook.state", "family",
        "optimizer", "learning_rate", "batch_size",
    ):  # fmt: skip
        assert page.locator(f".ag-header-cell:has-text('{column}')").first.is_visible()
    assert page.locator("text=MLflow Assistant >> visible=true").count() == 0
    kept(page, "mlflow-ui", tmp_path)


def test_the_curves_are_of_the_best_and_of_the_baseline(
    record: StudyRecord, addresses: list[str], page: Any, tmp_path: Path
) -> None:
    page.goto(addresses[1])
    shown = rows(page)
    assert any("baseline" in name for name in shown)
    page.wait_for_selector(".js-plotly-plot .scatterlayer .trace", timeout=PATIENT_MS)
    drawn = page.evaluate(
        "[...new Set([...document.querySelectorAll('.js-plotly-plot')][0].data.map(t => t.name))]"
    )
    assert sorted(name.split(" (")[0] for name in drawn if name) == sorted(shown)
    known = [replace(each, train=()) for each in best_curves(record, at_most=10)]
    limits = curve_limits(known)
    assert page.evaluate(
        "document.querySelector('.js-plotly-plot').layout.yaxis.range"
    ) == pytest.approx(limits, rel=1e-5)  # as the view has it, and no range of MLflow's own
    page.wait_for_selector(".parcoords .label", timeout=PATIENT_MS)
    names = page.locator(".parcoords .label").evaluate_all(
        "labels => labels.map(l => l.getBoundingClientRect()).map(box => [box.left, box.right])"
    )
    assert len(names) > 1
    assert all(one[1] < other[0] for one, other in pairwise(sorted(names)))
    kept(page, "mlflow-curves", tmp_path)


def test_the_best_and_the_baseline_are_compared(
    record: StudyRecord, addresses: list[str], page: Any, tmp_path: Path
) -> None:
    page.goto(addresses[0])
    shown = rows(page)
    places = [0, next(place for place, name in enumerate(shown) if "baseline" in name)]
    for place in dict.fromkeys(places):
        page.locator(f".ag-row[row-index='{place}'] input[type=checkbox]").first.check(
            timeout=PATIENT_MS, force=True
        )
    page.click("button:has-text('Compare')", timeout=PATIENT_MS)
    page.wait_for_selector("text=/Comparing 2 Runs/i", timeout=PATIENT_MS)
    kept(page, "mlflow-compare", tmp_path)
    assert page.locator(f"text={shown[0]}").count() > 0


def test_without_a_study_all_are_listed_in_the_mode_for_models(
    addresses: list[str], page: Any, here: Here
) -> None:
    server = addresses[0].partition("/#/")[0]
    page.goto(server)
    page.wait_for_selector("text=Model training", timeout=PATIENT_MS)
    mode = page.evaluate("localStorage.getItem('mlflow.workflowType_v1')")
    assert mode == '"machine_learning"'
    # Asked beside the page, on which it would be an error.
    refused = page.request.post(f"{server}/ajax-api/3.0/mlflow/assistant/message")
    assert refused.status == 404
