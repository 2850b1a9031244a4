"""What a run of a study returns, and a stored study read."""

from __future__ import annotations

from pathlib import Path

import pytest

from search import StudyConfig, StudyResult, open_study, run_study
from tracking import (
    BASELINE_TAG,
    COMPLETE,
    PRUNED,
    DatasetRecord,
    EpochRecord,
    StudyRecord,
    TrialRecord,
)


def test_a_result_says_what_it_is_in_a_line() -> None:
    done = {"study": "s", "params": {}}
    trials = (
        TrialRecord(number=0, state=COMPLETE, value=0.9, **done),
        TrialRecord(number=1, state=PRUNED, value=0.95, **done),
    )
    record = StudyRecord(name="s", trials=trials)
    told = repr(StudyResult(record=record, tracking_uri="http://me:secret@h"))
    assert told == (
        "StudyResult('s', 2 trials: 1 complete, 1 pruned; best_val_rmse 0.9000 of trial 0)"
    )
    assert repr(StudyResult(record=StudyRecord(name="s"), tracking_uri="x")) == (
        "StudyResult('s', 0 trials)"
    )


def test_the_best_trial_says_what_it_is_in_a_line() -> None:
    params = {"family": "gmf", "factors": 8, "learning_rate": 0.0123456, "a": 1, "b": 2, "c": 3}
    epochs = tuple(EpochRecord(epoch=n, seconds=0.1, metrics={"val_rmse": 1.0}) for n in (1, 2))
    trial = TrialRecord(
        study="s", number=3, params={**params, "d": 4}, state=COMPLETE, value=0.87654, epochs=epochs
    )
    record = StudyRecord(name="s", trials=(trial,))
    assert repr(StudyResult(record=record, tracking_uri="x").best) == (
        "BestTrial('s', trial 3, complete, best_val_rmse 0.8765; family='gmf', factors=8, "
        "learning_rate=0.01235, a=1, b=2, c=3, 1 more; 2 epochs)"
    )


def test_a_result_has_an_address_where_a_server_has_the_record() -> None:
    record = StudyRecord(name="m", experiment_id="7")
    served = StudyResult(record=record, tracking_uri="https://me:pa55word@host/mlflow/")
    page = "https://host/mlflow/#/experiments/7/runs?workflowType=machine_learning"
    assert str(served.url).startswith(f"{page}&")
    assert served.to_json()["url"] == served.url
    for other in (
        StudyResult(record=record, tracking_uri="postgresql://host/mlflow"),
        StudyResult(record=StudyRecord(name="m"), tracking_uri="https://host"),  # not begun yet
    ):
        assert other.to_json()["url"] is None


@pytest.mark.parametrize(("misfit", "gap"), [("", "-0.1000 (baseline 0.9000)"), ("odd", None)])
def test_the_best_trial_is_a_table_in_a_notebook(misfit: str, gap: str | None) -> None:
    base = TrialRecord(
        study="s", number=0, params={}, state="complete", value=0.9, tags={BASELINE_TAG: "true"}
    )
    best = TrialRecord(
        study="s", number=1, params={"<b>": "<i>", "weights": 74_228.0}, state="complete",
        value=0.8, end_reason="epochs",
    )  # fmt: skip
    data = DatasetRecord(name="d", content_hash="0", profile={"baseline_misfit": misfit})
    record = StudyRecord(name="s", trials=(base, best), dataset=data)
    found = StudyResult(record=record, tracking_uri="sqlite:///x").best
    assert found is not None
    told = f"<tr><th>against the baseline</th><td>{gap}</td></tr>" if gap else ""
    assert found._repr_html_() == (
        "<h4>s, trial 1</h4><table><tbody><tr><th>best_val_rmse</th><td>0.8000</td></tr>"
        f"{told}<tr><th>how it ended</th><td>complete: all epochs trained</td></tr>"
        "<tr><th>&lt;b&gt;</th><td>&lt;i&gt;</td></tr>"
        "<tr><th>weights</th><td>74,228</td></tr></tbody></table>"
    )


def test_a_stored_study_is_read_as_its_run_returned_it(home: Path, ratings_file: Path) -> None:
    config = StudyConfig(
        name="kept", trials=2, epochs=2, data=str(ratings_file), sampler="random",
        keep_models="none", pruner="none",
    )  # fmt: skip
    returned = run_study(config, home=home)
    read = open_study("kept", home)
    assert repr(read) == repr(returned)
    assert list(read.trials["value"]) == [trial.value for trial in returned.record.trials]
    assert list(read.trials["params.optimizer"]) == list(returned.trials["params.optimizer"])
    assert "<table>" in read._repr_html_()
    assert len(read.plot_history().data) > 0
    assert len(read.plot_curves().data) == len(returned.plot("learning_curves").data) > 0
    assert read.tracking_uri == returned.tracking_uri
