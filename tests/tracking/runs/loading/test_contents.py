"""The files of a run are listed with MLflow and without it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tracking import (
    MlflowRecorder,
    Store,
    StudyRecord,
    TrackingError,
    TrialRecord,
    kept_models,
    run_files,
)

Make = Callable[..., TrialRecord]
SIZES = {"deep/b c.csv": 3, "history.csv": 420, "é.txt": 0}


@pytest.fixture
def run_id(recorder: MlflowRecorder, study: StudyRecord, make_trial: Make, tmp_path: Path) -> str:
    """A run with three files, one of them in a folder."""
    recorder.start_study(study)
    run_id = recorder.start_trial(make_trial(1))
    for name, size in SIZES.items():
        path = tmp_path / "given" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x" * size)
    trial = make_trial(1, 0.9, run_id=run_id)
    recorder.finish_trial(trial, folder=tmp_path / "given")
    return run_id


def test_the_database_and_the_client_tell_the_same(
    store: Store, run_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = run_files(store, run_id)
    assert found.sizes == SIZES
    assert list(found.sizes) == sorted(SIZES)
    assert found.folder is not None
    assert (found.folder / "history.csv").stat().st_size == 420
    asked = store.client()
    # As it is where the record is in a database on a server: there is no file to read.
    monkeypatch.setattr(Store, "client", lambda self: asked)
    monkeypatch.setattr(Store, "sqlite_file", None)
    assert run_files(store, run_id) == found
    assert run_files(store, "0" * 32) == (None, {})


def test_mlflow_is_not_imported_for_a_home_of_its_own(store: Store, run_id: str) -> None:
    code = (
        "import sys\nfrom pathlib import Path\nfrom tracking import Store, run_files\n"
        f"assert len(run_files(Store(Path({str(store.home)!r})), {run_id!r}).sizes) == 3\n"
        "assert 'mlflow' not in sys.modules\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_an_unknown_run_has_no_files(store: Store) -> None:
    for unknown in ("movies#7", "", "0" * 32):
        assert run_files(store, unknown).sizes == {}
    assert not run_files(Store(store.home / "no such home"), "0" * 32).sizes


def test_an_mlflow_that_fails_is_told_in_a_line_without_its_password(
    store: Store, run_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Broken:
        def get_run(self, run_id: str) -> None:
            raise RuntimeError("500: internal error\nwith more lines")

    served = Store(store.home, "http://me:secret@host:1")
    monkeypatch.setattr(Store, "client", lambda self: Broken())
    for ask in (run_files, kept_models):
        with pytest.raises(TrackingError, match=r"host:1 is not \(500: internal error\)") as told:
            ask(served, run_id)
        assert "secret" not in str(told.value)
