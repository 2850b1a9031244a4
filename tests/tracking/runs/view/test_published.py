"""The published trial's curve as a run beside a study's trials."""

from __future__ import annotations

import json
import zlib
from base64 import b64decode
from dataclasses import replace

import pytest

from tracking import EpochRecord, MlflowRecorder, StudyRecord, renew_view
from tracking.runs.view.published import NAME

EPOCHS = tuple(
    EpochRecord(epoch=epoch, seconds=8.0, metrics={"val_rmse": value, "val_loss": value**2})
    for epoch, value in ((1, 3.3), (2, 0.84), (3, 0.85))
)


@pytest.fixture
def on_mubi(study: StudyRecord) -> StudyRecord:
    return replace(study, published=EPOCHS)


def _runs(recorder: MlflowRecorder, record: StudyRecord, role: str) -> list:
    wanted = f"tags.`trialbook.role` = '{role}'"
    return recorder.store.client().search_runs([str(record.experiment_id)], wanted)


def test_a_study_on_the_published_ratings_has_the_published_curve_once(
    recorder: MlflowRecorder, on_mubi: StudyRecord
) -> None:
    recorder.start_study(on_mubi)
    started = recorder.start_study(on_mubi)  # as where the study is resumed
    (run,) = _runs(recorder, started, "published")
    assert (run.info.run_name, run.info.status) == (NAME, "FINISHED")
    assert run.data.metrics["best_val_rmse"] == 0.84
    assert run.data.metrics["best_epoch"] == 2.0
    assert [e.metrics["val_rmse"] for e in recorder.curve(run.info.run_id)] == [3.3, 0.84, 0.85]
    assert run.data.tags["mlflow.parentRunId"] == started.parent_run_id
    assert run.data.tags["mlflow.runColor"] == "#222222"


def test_a_study_that_an_earlier_version_recorded_gets_it_when_it_is_shown(
    recorder: MlflowRecorder, study: StudyRecord
) -> None:
    started = recorder.start_study(study)  # without one, as earlier versions did
    for _ in range(2):
        renew_view(recorder.store, replace(started, published=EPOCHS))
    (run,) = _runs(recorder, started, "published")
    tags = recorder.store.client().get_experiment(started.experiment_id).tags
    curves = _state(tags["mlflow.sharedViewState.trialbook-curves"])
    assert run.info.run_id in curves["searchFilter"]


def test_it_is_drawn_with_the_best_trials_and_ranked_with_none(
    recorder: MlflowRecorder, on_mubi: StudyRecord
) -> None:
    started = recorder.start_study(on_mubi)
    (run,) = _runs(recorder, started, "published")
    tags = recorder.store.client().get_experiment(started.experiment_id).tags
    curves = _state(tags["mlflow.sharedViewState.trialbook-curves"])
    assert run.info.run_id in curves["searchFilter"]
    ranked = _state(tags["mlflow.sharedViewState.trialbook"])
    assert ranked["searchFilter"] == "tags.`trialbook.role` = 'trial'"
    assert recorder.trial_runs(started) == ()


def test_other_ratings_have_none_and_a_deleted_study_leaves_none(
    recorder: MlflowRecorder, study: StudyRecord, on_mubi: StudyRecord
) -> None:
    other = recorder.start_study(replace(study, name="other"))
    assert _runs(recorder, other, "published") == []
    started = recorder.start_study(on_mubi)
    assert recorder.delete_study(started) == 0


def _state(text: str) -> dict:
    packed = text.removeprefix("deflate;")
    return json.loads(text if packed == text else zlib.decompress(b64decode(packed)))
