"""Models are found by their names in MLflow, with MLflow and without it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tracking import (
    MlflowRecorder,
    ModelFolder,
    NamedModel,
    Store,
    StudyRecord,
    TrackingError,
    TrialRecord,
    kept_models,
    logged_model,
    model_versions,
    opened_model,
    registered_names,
)

Make = Callable[..., TrialRecord]


@pytest.fixture
def run_id(
    store: Store,
    recorder: MlflowRecorder,
    study: StudyRecord,
    make_trial: Make,
    model_folder: ModelFolder,
) -> str:
    """The run of a model that is registered twice; the second version was deleted."""
    (model_folder.path / "manifest.json").write_text("{}")
    recorder.start_study(study)
    run_id = recorder.start_trial(make_trial(1))
    recorder.finish_trial(make_trial(1, 0.9, run_id=run_id), folder=None, models=[model_folder])
    (model,) = kept_models(store, run_id)
    client = store.client()
    client.create_registered_model("it's one")
    client.create_registered_model("empty")
    for _ in range(3):
        client.create_model_version("it's one", source=model.place, run_id=run_id)
    client.delete_model_version("it's one", "2")
    for alias in ("winner", "best"):
        client.set_registered_model_alias("it's one", alias, "3")
    return run_id


def _told(store: Store, run_id: str) -> list[object]:
    (model,) = kept_models(store, run_id)
    found = [model_versions(store, name) for name in ("it's one", "empty", "none", "", "a/b")]
    logged = [logged_model(store, name) for name in (model.model_id, "m-0", "", "it's one")]
    return [registered_names(store), *found, *logged]


def test_the_database_and_the_client_tell_the_same(
    store: Store, run_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (model,) = kept_models(store, run_id)
    named = model._replace(name="it's one")
    told = _told(store, run_id)
    assert told == [
        ("empty", "it's one"),
        (NamedModel(named, run_id, 1), NamedModel(named, run_id, 3, ("best", "winner"))),
        (), (), (), (),
        NamedModel(model, run_id), None, None, None,
    ]  # fmt: skip
    asked = store.client()
    monkeypatch.setattr(Store, "client", lambda self: asked)
    monkeypatch.setattr(Store, "sqlite_file", None)  # as it is where the record is on a server
    assert _told(store, run_id) == told


def test_a_model_that_is_deleted_is_not_found(
    store: Store, run_id: str, recorder: MlflowRecorder
) -> None:
    (model,) = kept_models(store, run_id)
    recorder.drop_model(run_id)
    assert logged_model(store, model.model_id) is None


def test_a_model_of_another_program_is_told_in_a_line(store: Store, tmp_path: Path) -> None:
    (tmp_path / "MLmodel").write_text("flavors:\n  python_function:\n    data: model.pkl\n")
    client = store.client()
    client.create_registered_model("theirs")
    client.create_model_version("theirs", source=tmp_path.as_uri())
    (version,) = model_versions(store, "theirs")
    assert version.run_id is None
    with (
        pytest.raises(TrackingError, match="but theirs/1 is of another program"),
        opened_model(store, version.model),
    ):
        pass
