"""A study's model behind MLflow's own HTTP server gives what `trialbook predict` gives."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from calling import Here

from search import StudyConfig, run_study
from tracking import Store, kept_models

pytestmark = pytest.mark.slow
PATIENT_S = 120
"""The server imports TensorFlow first, and machines may be busy."""
IDS = [[107, 7001], ["107", "7001.0"], ["nobody", 7001], [107, 1], ["nobody", "unseen"]]


@pytest.fixture(scope="module")
def home(ratings_file: Path, empty_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("served") / "mlruns"
    shutil.copytree(empty_home, home)
    config = StudyConfig(name="m", trials=1, epochs=3, data=str(ratings_file), pruner="none")
    run_study(config, home=home)
    return home


@pytest.fixture(scope="module")
def address(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where `mlflow models serve` answers on loopback; its whole group is ended afterwards."""
    from search import open_study

    best = open_study("m", home).best
    assert best is not None
    (model,) = kept_models(Store(home), str(best.run_id))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    folder = tmp_path_factory.mktemp("nowhere")
    command = ["serve", "--model-uri", f"models:/{model.model_id}", "--env-manager", "local"]
    environment = {key: os.environ[key] for key in os.environ if key != "PYTHONPATH"}
    environment |= {
        "MLFLOW_TRACKING_URI": Store(home).tracking_uri,
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
    }
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "mlflow", "models", *command, "--port", str(port)],
            cwd=folder,
            env=environment,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        _wait_for(process, f"http://127.0.0.1:{port}/ping", folder / "log")
        yield f"http://127.0.0.1:{port}/invocations"
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(60)


def _wait_for(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    latest = time.monotonic() + PATIENT_S
    while time.monotonic() < latest:
        assert process.poll() is None, log.read_text()
        try:
            urllib.request.urlopen(url, timeout=5).close()
            return
        except OSError:
            time.sleep(0.2)
    pytest.fail(log.read_text())


def _asked(address: str, **given: Any) -> tuple[int, Any]:
    request = urllib.request.Request(
        address, json.dumps(given).encode(), {"Content-Type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def _split(data: list[list[Any]], *columns: str) -> dict[str, Any]:
    return {"columns": columns or ("user", "movie"), "data": data}


def test_served_scores_are_those_of_predict(
    address: str, home: Path, tmp_path: Path, here: Here
) -> None:
    """Raw ids as numbers and as texts, and ids that the model does not know."""
    rows = tmp_path / "pairs.csv"
    rows.write_text("user,movie\n" + "".join(f"{user},{movie}\n" for user, movie in IDS))
    predicted = here("predict", "m", "--input", str(rows), "--home", str(home))
    status, told = _asked(address, dataframe_split=_split(IDS))
    assert status == 200
    assert told["predictions"] == pytest.approx(predicted["prediction"], abs=2e-6)
    assert told["predictions"][0] == told["predictions"][1]
    assert len(set(told["predictions"])) == 4
    records = [{"user": user, "movie": movie} for user, movie in IDS]
    assert _asked(address, dataframe_records=records) == (200, told)


def test_unknown_ids_are_told_when_asked(address: str) -> None:
    status, told = _asked(address, dataframe_split=_split(IDS), params={"known": True})
    assert status == 200
    known = [(row["user_known"], row["movie_known"]) for row in told["predictions"]]
    assert known == [(True, True), (True, True), (False, True), (True, False), (False, False)]


def test_an_empty_table_has_an_empty_answer(address: str) -> None:
    assert _asked(address, dataframe_split=_split([])) == (200, {"predictions": []})


def test_a_table_without_its_columns_is_refused_by_their_names(address: str) -> None:
    status, told = _asked(address, dataframe_split=_split([[107]], "user"))
    assert status == 400
    assert "Model is missing inputs ['movie']" in told["message"]
    status, told = _asked(address, dataframe_records=[])  # nothing says which columns it has
    assert status == 400
    assert "Model is missing inputs ['user', 'movie']" in told["message"]
