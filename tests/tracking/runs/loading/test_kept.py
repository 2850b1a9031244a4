"""The models of a run are found with MLflow and without it, and their folders are given."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from tracking import (
    MlflowRecorder,
    ModelFolder,
    Store,
    StudyRecord,
    TrackingError,
    TrialRecord,
    kept_models,
    opened_model,
    saved_in,
)

Make = Callable[..., TrialRecord]


@pytest.fixture
def run_id(
    recorder: MlflowRecorder, study: StudyRecord, make_trial: Make, model_folder: ModelFolder
) -> str:
    """A run with two models."""
    (model_folder.path / "manifest.json").write_text("{}")
    recorder.start_study(study)
    run_id = recorder.start_trial(make_trial(1))
    models = [model_folder, replace(model_folder, name="model_2")]
    recorder.finish_trial(make_trial(1, 0.9, run_id=run_id), folder=None, models=models)
    return run_id


def test_the_database_and_the_client_tell_the_same(
    store: Store, run_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = kept_models(store, run_id)
    assert [each.name for each in found] == ["model", "model_2"]
    # As it is where the record is on a server: there is no file to read.
    asked = store.client()
    monkeypatch.setattr(Store, "client", lambda self: asked)
    monkeypatch.setattr(Store, "sqlite_file", None)
    assert kept_models(store, run_id) == found
    assert kept_models(store, "0" * 32) == ()


def test_mlflow_is_not_imported_for_a_home_of_its_own(store: Store, run_id: str) -> None:
    code = (
        "import sys\nfrom pathlib import Path\nfrom tracking import Store, kept_models\n"
        f"assert len(kept_models(Store(Path({str(store.home)!r})), {run_id!r})) == 2\n"
        "assert 'mlflow' not in sys.modules\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_tables_that_are_not_known_are_left_to_the_client(
    store: Store, run_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(sqlite3.connect(str(store.sqlite_file))) as connection:
        connection.execute("ALTER TABLE logged_models RENAME COLUMN source_run_id TO run")

    def told(store: Store) -> None:
        raise TrackingError("asked")

    monkeypatch.setattr(Store, "client", told)
    with pytest.raises(TrackingError, match="asked"):
        kept_models(store, run_id)


def test_a_model_that_is_deleted_or_unknown_is_not_found(
    store: Store, recorder: MlflowRecorder, run_id: str
) -> None:
    for unknown in ("movies#7", "", "0" * 32):
        assert kept_models(store, unknown) == ()
    recorder.drop_model(run_id)
    assert kept_models(store, run_id) == ()


def test_the_folder_is_that_which_was_saved_also_in_a_home_that_was_moved(
    store: Store, run_id: str, model_folder: ModelFolder, tmp_path: Path
) -> None:
    moved = Store(tmp_path / "elsewhere")
    shutil.copytree(store.home, moved.home)
    for each in (store, moved):
        for model in kept_models(each, run_id):
            with opened_model(each, model) as folder:
                assert folder.is_relative_to(each.home)
                assert {path.name for path in folder.iterdir()} == {
                    path.name for path in model_folder.path.iterdir()
                }


def test_files_that_are_gone_are_told_in_a_line(store: Store, run_id: str) -> None:
    model = kept_models(store, run_id)[0]
    shutil.rmtree(store.artifacts)
    with (
        pytest.raises(TrackingError, match=f"those of {model.model_id} are not in .* any more"),
        opened_model(store, model),
    ):
        pass


def test_what_cannot_be_fetched_is_told_in_a_line(store: Store, run_id: str) -> None:
    model = kept_models(store, run_id)[0]._replace(place="mlflow-artifacts:/1/models/m-1")
    with (
        pytest.raises(TrackingError, match=r"those of m-\w+ cannot be fetched \(.+\)\. "),
        opened_model(store, model._replace(model_id="m-0")),
    ):
        pass


def test_a_folder_of_mlflows_names_where_the_saved_one_is(tmp_path: Path) -> None:
    (tmp_path / "data" / "other").mkdir(parents=True)
    (tmp_path / "MLmodel").write_text("flavors:\n  python_function:\n    data: data/other\n")
    assert saved_in(tmp_path) is None
    (tmp_path / "data" / "other" / "manifest.json").write_text("{}")
    assert saved_in(tmp_path) == tmp_path / "data" / "other" == saved_in(tmp_path / "data/other")
