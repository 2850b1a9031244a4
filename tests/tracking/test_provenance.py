from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tracking import drift, provenance

module = sys.modules["tracking.provenance"]


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    module._collect.cache_clear()  # type: ignore[attr-defined]
    yield
    module._collect.cache_clear()  # type: ignore[attr-defined]


def _git(folder: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=x", "-c", "user.email=x@example.org"]
    command = ["git", "-C", str(folder), *identity, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    _git(tmp_path, "init", "-q")
    (tmp_path / "file.txt").write_text("one")
    _git(tmp_path, "add", ".")
    _git(tmp_path, "commit", "-q", "-m", "first")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_commit_is_the_working_directorys_and_says_when_files_are_changed(
    checkout: Path,
) -> None:
    head = _git(checkout, "rev-parse", "HEAD")
    assert provenance()["trialbook.commit"] == head
    module._collect.cache_clear()  # type: ignore[attr-defined]
    (checkout / "untracked.txt").write_text("no matter")
    assert provenance()["trialbook.commit"] == head
    module._collect.cache_clear()  # type: ignore[attr-defined]
    (checkout / "file.txt").write_text("two")
    assert provenance()["trialbook.commit"] == f"{head}-dirty"


def test_machine_and_packages_are_told() -> None:
    tags = provenance()
    versions = json.loads(tags["trialbook.versions"])
    assert {"mlflow", "keras", "optuna", "numpy"} <= versions.keys()
    assert tags["trialbook.python"] == sys.version.split()[0]
    assert "cores" in tags["trialbook.hardware"]
    assert "GiB memory" in tags["trialbook.hardware"]
    assert all(isinstance(value, str) for value in tags.values())


def test_it_never_fails_without_git_and_is_asked_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    first = provenance()
    assert "trialbook.commit" not in first
    first["trialbook.os"] = "changed by the caller"
    assert provenance()["trialbook.os"] != "changed by the caller"


def test_drift_tells_what_differs_in_words() -> None:
    then = {
        "trialbook.versions": '{"tensorflow": "2.20.0", "keras": "3.15.1", "optuna": "5.0.0"}',
        "trialbook.commit": "a" * 40,
        "trialbook.python": "3.11.9",
        "trialbook.os": "Linux",
        "trialbook.seed": "1",
    }
    now = {
        "trialbook.versions": '{"tensorflow": "2.21.0", "keras": "3.15.1", "mlflow": "3.17.2"}',
        "trialbook.commit": "b" * 40 + "-dirty",
        "trialbook.python": "3.11.9",
        "trialbook.seed": "2",
    }
    assert drift(then, now) == [
        "tensorflow 2.20.0 then, 2.21.0 now",
        "optuna 5.0.0 then, not installed now",
        "mlflow not recorded then, 3.17.2 now",
        "commit aaaaaaaaaaaa then, bbbbbbbbbbbb-dirty now",
    ]
    assert drift(then, then) == []
    assert drift({}, now) == []
    assert drift({"trialbook.versions": "not JSON"}, now) == []
    assert drift({"trialbook.versions": "[1]"}, now) == []
