"""`trialbook search` where it cannot begin."""

from __future__ import annotations

from pathlib import Path

import pytest
from guarding import guarded_server
from refusing import answer


def test_a_server_that_wants_a_password_is_refused_before_anything_is_written(
    tmp_path: Path, ratings_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("USERNAME", "PASSWORD", "TOKEN", "AUTH"):
        monkeypatch.delenv(f"MLFLOW_TRACKING_{name}", raising=False)
    monkeypatch.setenv("NETRC", str(tmp_path / "none"))
    home = tmp_path / "home"
    with guarded_server() as (port, asked):
        told = answer(
            "search", "--study", "guarded", "--data", str(ratings_file), "--home", str(home),
            "--tracking-uri", f"http://127.0.0.1:{port}",
        )  # fmt: skip
    assert told.code == 2
    assert "MLflow's server must know who asks" in told.err
    assert "MLFLOW_TRACKING_USERNAME" in told.err
    assert {status for path, _, status in asked if not path.endswith("/health")} == {401}
    assert not (home / "optuna.db").exists()
