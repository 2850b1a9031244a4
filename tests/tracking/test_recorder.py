"""The contract that every recorder keeps."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tracking import (
    MlflowRecorder,
    ModelFolder,
    NullRecorder,
    Recorder,
    StudyRecord,
    TrialRecord,
)


@pytest.fixture(params=["null", "mlflow"])
def any_recorder(request: pytest.FixtureRequest) -> Recorder:
    if request.param == "null":
        return NullRecorder()
    found: MlflowRecorder = request.getfixturevalue("recorder")
    return found


def test_every_recorder_keeps_the_protocol(any_recorder: Recorder) -> None:
    assert isinstance(any_recorder, Recorder)


def test_a_whole_study_goes_through(
    any_recorder: Recorder,
    study: StudyRecord,
    make_trial: Callable[..., TrialRecord],
    model_folder: ModelFolder,
    tmp_path: Path,
) -> None:
    started = any_recorder.start_study(study)
    assert replace(started, experiment_id=None, parent_run_id=None) == study
    run_id = any_recorder.start_trial(make_trial(3))
    assert isinstance(run_id, str)
    done = make_trial(3, 0.9, run_id=run_id)
    any_recorder.epochs(run_id, [])
    any_recorder.epochs(run_id, done.epochs)
    if run_id:
        any_recorder.finish_trial(done, folder=tmp_path / "missing", models=[model_folder])
    any_recorder.kill_trial(done)
    (tmp_path / "picture.png").write_bytes(b"png")
    if run_id:
        any_recorder.log_picture(run_id, tmp_path / "picture.png")
    any_recorder.finish_study(replace(started, trials=(done,)), status="FINISHED")
    assert any_recorder.metric(run_id, "best_val_rmse") in (None, 0.9)
    any_recorder.delete_study("movies")
    assert any_recorder.find_run(run_id) is None


def test_an_unknown_run_is_none_and_no_error(
    any_recorder: Recorder, make_trial: Callable[..., TrialRecord]
) -> None:
    for run_id in ("", "0" * 32):
        assert any_recorder.find_run(run_id) is None
        assert any_recorder.metric(run_id, "rmse") is None
        assert any_recorder.model_uri(run_id) is None
        assert any_recorder.curve(run_id) == ()
        any_recorder.kill_trial(make_trial(1, run_id=run_id))
        any_recorder.end_study(run_id, status="KILLED")


def test_it_can_be_sent_to_a_worker_process(any_recorder: Recorder) -> None:
    assert pickle.loads(pickle.dumps(any_recorder)) == any_recorder or isinstance(
        any_recorder, NullRecorder
    )
