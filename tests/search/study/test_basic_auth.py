"""A study recorded on a real MLflow server that wants a name and a password."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import psutil
import pytest
from calling import call
from mlflow.tracking import MlflowClient
from moody import free_port, listens

pytestmark = pytest.mark.slow

PASSWORD = "p@ss w:rd/1234"


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of a server that knows one user."""
    folder = tmp_path_factory.mktemp("server")
    (folder / "auth.ini").write_text(
        f"""[mlflow]
default_permission = READ
database_uri = sqlite:///{folder}/auth.db
admin_username = admin
admin_password = {PASSWORD}
authorization_function = mlflow.server.auth:authenticate_request_basic_auth
""",
        encoding="utf-8",
    )
    port, log = free_port(), folder / "log.txt"
    command = [
        sys.executable, "-m", "mlflow", "server", "--app-name", "basic-auth", "--workers", "1",
        "--host", "127.0.0.1", "--port", str(port),
        "--backend-store-uri", f"sqlite:///{folder}/server.db",
        "--artifacts-destination", str(folder / "artifacts"),
    ]  # fmt: skip
    known = {
        "MLFLOW_AUTH_CONFIG_PATH": str(folder / "auth.ini"),
        "MLFLOW_FLASK_SERVER_SECRET_KEY": "a key",
    }
    with log.open("wb") as output:
        server = subprocess.Popen(command, stdout=output, stderr=output, env=os.environ | known)
    try:
        latest = time.monotonic() + 120
        while not listens(port):
            assert server.poll() is None, log.read_text()
            assert time.monotonic() < latest, log.read_text()
            time.sleep(0.3)
        yield port
    finally:
        for process in (*psutil.Process(server.pid).children(recursive=True), server):
            process.kill()
        server.wait()


def _search(home: Path, ratings: Path, address: str, code: int = 0) -> str:
    done = call(
        "search", "--study", "kept", "--data", str(ratings), "--trials", "2", "--epochs", "2",
        "--sampler", "random", "--workers", "1", "--home", str(home),
        code=code, environment={"TRIALBOOK_TRACKING_URI": address},
    )  # fmt: skip
    return done.stdout + done.stderr


@pytest.mark.parametrize("user", ["", "admin:wrong-one-1234@"], ids=["nobody", "wrong password"])
def test_who_may_not_write_is_refused_in_a_line_before_anything_is_made(
    user: str, port: int, ratings_file: Path, tmp_path: Path
) -> None:
    said = _search(tmp_path / "home", ratings_file, f"http://{user}127.0.0.1:{port}", code=2)
    (line,) = said.strip().splitlines()
    assert "password" in line
    assert "wrong-one" not in line
    assert not (tmp_path / "home").exists()


def test_a_study_is_recorded_and_its_password_left_nowhere(
    port: int, ratings_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    address = f"http://admin:{quote(PASSWORD, safe='')}@127.0.0.1:{port}"
    said = _search(home, ratings_file, address)
    said += call(
        "doctor", "--home", str(home), environment={"TRIALBOOK_TRACKING_URI": address}
    ).stdout
    assert "Nothing is wrong." in said
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "admin")
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", PASSWORD)
    client = MlflowClient(f"http://127.0.0.1:{port}")
    experiment = client.get_experiment_by_name("kept")
    assert experiment is not None
    runs = client.search_runs([experiment.experiment_id])
    trials = [run for run in runs if "trialbook.number" in run.data.tags]
    assert [run.info.status for run in trials] == ["FINISHED", "FINISHED"]
    assert all("best_val_rmse" in run.data.metrics for run in trials)
    for secret in (PASSWORD, quote(PASSWORD, safe="")):
        assert secret not in said
        for path in home.rglob("*"):
            assert not path.is_file() or secret.encode() not in path.read_bytes(), path
