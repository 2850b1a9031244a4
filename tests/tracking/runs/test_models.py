from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tracking import (
    MlflowRecorder,
    ModelFolder,
    Store,
    StudyRecord,
    TrackingError,
    TrialRecord,
)
from tracking.runs.models import find_models

Make = Callable[..., TrialRecord]

USE = """
import importlib.util, sys
import mlflow, pandas as pd
if "--blind" in sys.argv:
    sys.meta_path[:] = [f for f in sys.meta_path if "editable" not in str(f).lower()]
    assert not any(importlib.util.find_spec(n) for n in ("tracking", "search"))
model = mlflow.pyfunc.load_model(sys.argv[1])
print(model.predict(pd.DataFrame({"user": [1, 2], "movie": [10, 20]}))["score"].tolist())
"""


@pytest.fixture
def logged(
    recorder: MlflowRecorder, study: StudyRecord, make_trial: Make, model_folder: ModelFolder
) -> str:
    recorder.start_study(study)
    run_id = recorder.start_trial(make_trial(1))
    recorder.finish_trial(make_trial(1, 0.9, run_id=run_id), folder=None, models=[model_folder])
    return run_id


def _use(store: Store, uri: str, folder: Path) -> str:
    environment = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "PYTHONHOME")}
    environment["MLFLOW_TRACKING_URI"] = store.tracking_uri
    done = subprocess.run(
        [sys.executable, "-P", "-c", USE, uri, "--blind"],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_a_model_loads_where_our_packages_are_not(
    recorder: MlflowRecorder, store: Store, logged: str, tmp_path: Path
) -> None:
    folder = tmp_path / "elsewhere"
    (folder / "models").mkdir(parents=True)  # a user's own folder of that name
    uri = recorder.model_uri(logged)
    assert uri is not None
    assert uri.startswith("models:/m-")
    assert _use(store, uri, folder) == "[11.5, 22.5]"
    assert _use(store, f"runs:/{logged}/model", folder) == "[11.5, 22.5]"


def test_a_model_belongs_to_its_run_with_its_figures(
    recorder: MlflowRecorder, store: Store, logged: str
) -> None:
    client = store.client()
    model = client.get_logged_model(str(recorder.model_uri(logged)).removeprefix("models:/"))
    assert str(model.status) == "READY"
    assert model.source_run_id == logged
    assert model.model_type == "ratings"
    assert {m.key: m.value for m in model.metrics}["best_val_rmse"] == 0.9
    assert store.artifacts.as_uri() in model.artifact_location


def test_a_signature_takes_ids_of_any_type(
    recorder: MlflowRecorder,
    store: Store,
    study: StudyRecord,
    make_trial: Make,
    model_folder: ModelFolder,
) -> None:
    import mlflow.pyfunc
    import pandas as pd

    recorder.start_study(study)
    found: list[Any] = []
    for number, model in enumerate([model_folder, replace(model_folder, kind="keras")]):
        run_id = recorder.start_trial(make_trial(number))
        done = make_trial(number, 0.9, run_id=run_id)
        recorder.finish_trial(done, folder=None, models=[model])
        model_id = str(recorder.model_uri(run_id)).removeprefix("models:/")
        place = store.client().get_logged_model(model_id).artifact_location
        loaded = mlflow.pyfunc.load_model(place)
        found.append(loaded.metadata.signature)
        for ids in (["1", "2"], [1, 2], [1.0, 2.0]):
            scores = loaded.predict(pd.DataFrame({"user": ids, "movie": ids}))
            assert scores["score"].tolist() == [2.5, 4.5]
        # A number's fraction is kept, and a table may be empty.
        assert loaded.predict(pd.DataFrame({"user": [196.5], "movie": [1]}))["score"][0] == 198.0
        assert len(loaded.predict(pd.DataFrame({"user": [], "movie": []}))) == 0
    signature, none = found
    assert [c.name for c in signature.inputs] == ["user", "movie"]
    assert [c.type.name for c in signature.outputs] == ["double"]
    assert [p.name for p in signature.params] == ["known"]
    assert none is None


def test_a_model_is_stored_without_a_pickle_and_with_pins(
    recorder: MlflowRecorder, store: Store, logged: str
) -> None:
    (folder,) = (store.artifacts / "movies" / "models").iterdir()
    files = {path.name for path in folder.rglob("*") if path.is_file()}
    assert {"MLmodel", "requirements.txt", "trialbook_serving.py", "offset.txt"} <= files
    assert not [name for name in files if name.endswith((".pkl", ".pickle"))]
    pins = next(folder.rglob("requirements.txt")).read_text()
    assert "keras==" in pins
    assert "mlflow==" in pins


def test_finishing_a_trial_again_does_not_log_its_model_twice(
    recorder: MlflowRecorder,
    store: Store,
    logged: str,
    make_trial: Make,
    model_folder: ModelFolder,
) -> None:
    first = recorder.model_uri(logged)
    record = make_trial(1, 0.9, run_id=logged)
    recorder.finish_trial(record, folder=None, models=[model_folder])
    assert recorder.model_uri(logged) == first
    assert len(list((store.artifacts / "movies" / "models").iterdir())) == 1


def test_models_that_a_failure_kept_from_being_logged_are_logged_the_next_time(
    recorder: MlflowRecorder,
    store: Store,
    study: StudyRecord,
    make_trial: Make,
    model_folder: ModelFolder,
    tmp_path: Path,
) -> None:
    recorder.start_study(study)
    run_id = recorder.start_trial(make_trial(1))
    record = make_trial(1, 0.9, run_id=run_id)
    figures = [f"fold_{number}/best_val_rmse" for number in (1, 2)]
    first = replace(model_folder, figure=figures[0])
    second = replace(model_folder, name="model_2", figure=figures[1])
    gone = replace(second, path=tmp_path / "gone")
    with pytest.raises(Exception, match="gone"):
        recorder.finish_trial(record, folder=None, models=[first, gone])
    kept = find_models(store.client(), run_id)
    assert len(kept) == 1
    recorder.finish_trial(record, folder=None, models=[first, second])
    both = find_models(store.client(), run_id)
    assert both[0] == kept[0]
    names = [store.client().get_logged_model(each).name for each in both]
    assert names == ["model", "model_2"]


def test_a_model_without_a_loader_is_refused(
    store: Store, study: StudyRecord, make_trial: Make, model_folder: ModelFolder
) -> None:
    recorder = MlflowRecorder(store)
    recorder.start_study(study)
    run_id = recorder.start_trial(make_trial(1))
    with pytest.raises(TrackingError, match="loader"):
        recorder.finish_trial(make_trial(1, 0.9, run_id=run_id), folder=None, models=[model_folder])


def test_a_model_that_cannot_be_stored_leaves_no_ready_one(
    recorder: MlflowRecorder, store: Store, study: StudyRecord, make_trial: Make, tmp_path: Path
) -> None:
    experiment_id = recorder.start_study(study).experiment_id
    run_id = recorder.start_trial(make_trial(1))
    gone = ModelFolder(path=tmp_path / "gone")
    with pytest.raises(Exception, match="gone"):
        recorder.finish_trial(make_trial(1, 0.9, run_id=run_id), folder=None, models=[gone])
    assert recorder.model_uri(run_id) is None
    (model,) = store.client().search_logged_models([experiment_id])
    assert str(model.status) == "FAILED"


def test_a_dropped_models_files_go_whatever_the_homes_path_holds(
    tmp_path: Path,
    store: Store,
    loader: Path,
    study: StudyRecord,
    make_trial: Make,
    model_folder: ModelFolder,
) -> None:
    """In an address a space, `%`, `#` and letters beyond ASCII are written otherwise."""
    home = tmp_path / "my runs 50%20 #1 été {0}"
    shutil.copytree(store.home, home)
    recorder = MlflowRecorder(Store(home), loader)
    recorder.start_study(study)
    run_id = recorder.start_trial(make_trial(1))
    recorder.finish_trial(make_trial(1, 0.9, run_id=run_id), folder=None, models=[model_folder])
    assert len(list(home.rglob("offset.txt"))) == 1
    recorder.drop_model(run_id)
    assert not list(home.rglob("offset.txt"))
    assert recorder.model_uri(run_id) is None
    assert [path.name for path in tmp_path.iterdir() if "my" in path.name] == [home.name]
