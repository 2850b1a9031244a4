"""The contract that every recorder keeps: each guarantee in the docstring of `Recorder`."""

from __future__ import annotations

import contextlib
import pickle
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from tracking import (
    MlflowRecorder,
    ModelFolder,
    NullRecorder,
    Recorder,
    SpoolRecorder,
    StudyRecord,
    TrialRecord,
)

Make = Callable[..., TrialRecord]


@pytest.fixture(params=["null", "mlflow", "spool"])
def any_recorder(request: pytest.FixtureRequest) -> Iterator[Recorder]:
    if request.param == "null":
        yield NullRecorder()
        return
    found: MlflowRecorder = request.getfixturevalue("recorder")
    if request.param == "mlflow":
        yield found
        return
    with SpoolRecorder(found, found.store.home, "movies") as spooled:
        yield spooled


def test_every_recorder_keeps_the_protocol(any_recorder: Recorder) -> None:
    assert isinstance(any_recorder, Recorder)


def test_a_whole_study_goes_through(
    any_recorder: Recorder,
    study: StudyRecord,
    make_trial: Make,
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
    assert any_recorder.delete_study(started) == 0
    assert any_recorder.find_run(run_id) is None
    again = any_recorder.start_study(study)  # its name is free
    assert again.parent_run_id is None or again.parent_run_id != started.parent_run_id


def test_an_unknown_run_is_none_and_no_error(any_recorder: Recorder, make_trial: Make) -> None:
    for run_id in ("", "0" * 32, "movies:7"):
        assert any_recorder.find_run(run_id) is None
        assert any_recorder.metric(run_id, "rmse") is None
        assert any_recorder.model_uri(run_id) is None
        assert any_recorder.curve(run_id) == ()
        any_recorder.kill_trial(make_trial(1, run_id=run_id))
        any_recorder.end_study(run_id, status="KILLED")


def test_it_can_be_sent_to_another_process_while_a_trial_is_under_way(
    any_recorder: Recorder, study: StudyRecord, make_trial: Make
) -> None:
    if isinstance(any_recorder, SpoolRecorder):  # which belongs to its process
        with pytest.raises(TypeError):
            pickle.dumps(any_recorder)
        return
    any_recorder.start_study(study)
    run_id = any_recorder.start_trial(make_trial(1))
    done = make_trial(1, 0.9, run_id=run_id)
    any_recorder.epochs(run_id, done.epochs[:1])
    sent = pickle.loads(pickle.dumps(any_recorder))
    assert sent == any_recorder or isinstance(any_recorder, NullRecorder)
    sent.epochs(run_id, done.epochs)
    if run_id:
        sent.finish_trial(done, folder=None)
    assert any_recorder.curve(run_id) in ((), done.epochs)
    assert any_recorder.metric(run_id, "best_val_rmse") in (None, 0.9)


def test_threads_that_start_one_study_get_the_same_run(
    any_recorder: Recorder, study: StudyRecord
) -> None:
    with ThreadPoolExecutor(4) as pool:
        started = list(pool.map(any_recorder.start_study, [study] * 4))
    assert len({(each.experiment_id, each.parent_run_id) for each in started}) == 1


def test_calls_for_different_trials_may_overlap(
    any_recorder: Recorder, study: StudyRecord, make_trial: Make, model_folder: ModelFolder
) -> None:
    any_recorder.start_study(study)

    def train(number: int) -> str:
        run_id = any_recorder.start_trial(make_trial(number))
        done = make_trial(number, 0.9 + number / 8, run_id=run_id)
        any_recorder.parameters(run_id, {"late": number})
        for epoch in done.epochs:
            any_recorder.epochs(run_id, [epoch])
        if number % 2:
            any_recorder.kill_trial(replace(done, state="killed", value=None))
        elif run_id:
            any_recorder.finish_trial(done, folder=None, models=[model_folder])
        return run_id

    with ThreadPoolExecutor(4) as pool:
        run_ids = list(pool.map(train, range(4)))
    for number, run_id in enumerate(run_ids):
        run = any_recorder.find_run(run_id)
        if run is None:
            assert run_id == ""
            continue
        assert run["status"] == ("KILLED" if number % 2 else "FINISHED")
        assert run["params"]["late"] == str(number)
        assert any_recorder.curve(run_id) == make_trial(number, 0.9 + number / 8).epochs
        assert (any_recorder.model_uri(run_id) is None) == bool(number % 2)


def test_what_is_written_again_says_the_same(
    any_recorder: Recorder,
    study: StudyRecord,
    make_trial: Make,
    model_folder: ModelFolder,
    tmp_path: Path,
) -> None:
    started = any_recorder.start_study(study)
    run_id = any_recorder.start_trial(make_trial(1))
    done = make_trial(1, 0.9, run_id=run_id)
    picture = tmp_path / "picture.png"
    picture.write_bytes(b"png")

    def write() -> list[object]:
        any_recorder.parameters(run_id, {"late": 1})
        any_recorder.epochs(run_id, done.epochs)
        if run_id:
            any_recorder.finish_trial(
                done, folder=model_folder.path, models=[model_folder], epochs=done.epochs
            )
            any_recorder.log_picture(run_id, picture)
        any_recorder.kill_trial(replace(done, state="killed"))  # an end that is written stays
        any_recorder.finish_study(replace(started, trials=(done,)), status="FINISHED")
        any_recorder.end_study(str(started.parent_run_id or ""), status="KILLED")
        runs = [any_recorder.find_run(each or "") for each in (run_id, started.parent_run_id)]
        return [*runs, any_recorder.curve(run_id), any_recorder.model_uri(run_id)]

    first = write()
    assert write() == first
    assert any_recorder.start_study(study) == started  # an ended study goes on
    before = any_recorder.find_run(run_id)
    for _ in range(2):
        any_recorder.drop_model(run_id)
        assert any_recorder.model_uri(run_id) is None
        assert any_recorder.find_run(run_id) == before


def test_files_that_are_handed_over_stay_the_callers_and_may_go_at_once(
    any_recorder: Recorder,
    study: StudyRecord,
    make_trial: Make,
    model_folder: ModelFolder,
    tmp_path: Path,
) -> None:
    any_recorder.start_study(study)
    kept, cut = (any_recorder.start_trial(make_trial(number)) for number in (1, 2))
    folder = tmp_path / "handed over"
    shutil.copytree(model_folder.path, folder / "model")
    (folder / "log.txt").write_text("as it was")
    (folder / "picture.png").write_bytes(b"png")
    names = sorted(path.relative_to(folder) for path in folder.rglob("*"))
    model = replace(model_folder, path=folder / "model")
    if kept:
        done = make_trial(1, 0.9, run_id=kept)
        any_recorder.finish_trial(done, folder=folder, models=[model])
        any_recorder.log_picture(kept, folder / "picture.png")
    any_recorder.kill_trial(make_trial(2, state="killed", run_id=cut), folder=folder)
    assert sorted(path.relative_to(folder) for path in folder.rglob("*")) == names
    assert (folder / "log.txt").read_text() == "as it was"
    shutil.rmtree(folder)
    if isinstance(any_recorder, MlflowRecorder):
        copies = list(any_recorder.store.artifacts.rglob("log.txt"))
        assert [copy.read_text() for copy in copies] == ["as it was"] * 2


def test_a_trial_whose_end_could_not_be_written_can_still_be_ended(
    any_recorder: Recorder, study: StudyRecord, make_trial: Make, tmp_path: Path
) -> None:
    any_recorder.start_study(study)
    broken = ModelFolder(path=tmp_path / "missing")
    finished, killed = (any_recorder.start_trial(make_trial(number)) for number in (1, 2))
    for number, run_id in ((1, finished), (2, killed)):
        with contextlib.suppress(Exception):
            record = make_trial(number, 0.9, run_id=run_id)
            any_recorder.finish_trial(record, folder=None, models=[broken])
        run = any_recorder.find_run(run_id)
        assert run is None or run["status"] == "RUNNING"
    if finished:
        any_recorder.finish_trial(make_trial(1, 0.9, run_id=finished), folder=None)
    any_recorder.kill_trial(make_trial(2, state="killed", run_id=killed))
    ends = [any_recorder.find_run(run_id) for run_id in (finished, killed)]
    assert [end and end["status"] for end in ends] in ([None, None], ["FINISHED", "KILLED"])
    assert any_recorder.model_uri(finished) is None


def test_every_start_of_a_trial_is_a_run_of_its_own(
    any_recorder: Recorder, study: StudyRecord, make_trial: Make
) -> None:
    any_recorder.start_study(study)
    first, second = (any_recorder.start_trial(make_trial(1)) for _ in range(2))
    # A reference names the trial, of which Optuna starts each number once.
    assert first != second or first in ("", "movies#1")
