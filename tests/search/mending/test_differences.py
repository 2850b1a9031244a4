"""What differs between Optuna's storage and MLflow, found and mended."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from search.mending.differences import Kind, differences
from tracking import DatasetRecord, EpochRecord, RunRecord, StudyRecord, TrialRecord

Make = Callable[..., RunRecord]


def _trial(number: int, state: str = "complete", value: float | None = 0.5, run: str | None = "r"):
    run_id = None if run is None else f"{run}{number}"
    return TrialRecord(study="s", number=number, params={}, state=state, value=value, run_id=run_id)


def _run(number: int, **given: object) -> RunRecord:
    usual: dict[str, object] = {"run_id": f"r{number}", "status": "FINISHED", "state": "complete"}
    return RunRecord(number=number, **{**usual, "value": 0.5, **given})  # type: ignore[arg-type]


def _found(trials: list[TrialRecord], runs: list[RunRecord]) -> list[tuple[Kind, int, str | None]]:
    record = StudyRecord(name="s", trials=tuple(trials))
    return [(each.kind, each.number, each.run_id) for each in differences(record, runs)]


def test_stores_that_agree_do_not_differ() -> None:
    trials = [
        _trial(0),
        _trial(1, "pruned", 0.7),
        _trial(2, "failed", None),
        _trial(3, "killed", None),
        _trial(4, "killed", None, run=None),  # it never began
        _trial(5, "refused", None, run=None),
        _trial(6, "running", None),
        _trial(7, "running", None, run=None),
    ]
    runs = [
        _run(0),
        _run(1, status="KILLED", state="pruned", value=0.7),
        _run(2, status="FAILED", state="failed", value=None),
        _run(3, status="KILLED", state="killed", value=None),
        _run(6, status="RUNNING", state="running", value=None),
    ]
    assert _found(trials, runs) == []


@pytest.mark.parametrize(
    ("trial", "runs", "expected"),
    [
        (_trial(0), [], [(Kind.LACKING, 0, None)]),
        (_trial(0, run=None), [], [(Kind.LACKING, 0, None)]),
        (_trial(0, "killed", None), [], [(Kind.LACKING, 0, None)]),
        (_trial(0), [_run(0, status="RUNNING", state="running")], [(Kind.OPEN, 0, "r0")]),
        (_trial(0), [_run(0, value=0.6)], [(Kind.OTHER, 0, "r0")]),
        (_trial(0), [_run(0, value=None)], [(Kind.OTHER, 0, "r0")]),
        (_trial(0), [_run(0, status="KILLED", state="killed")], [(Kind.OTHER, 0, "r0")]),
        (_trial(0, run=None), [_run(0)], [(Kind.UNKNOWN, 0, "r0")]),
        (_trial(0), [_run(0, run_id="older"), _run(0)], [(Kind.TWICE, 0, "older")]),
        (
            _trial(0, run=None),
            [_run(0, run_id="older"), _run(0)],
            [(Kind.TWICE, 0, "r0"), (Kind.UNKNOWN, 0, "older")],
        ),
        (_trial(0), [_run(0), _run(8)], [(Kind.STRANGER, 8, "r8")]),
    ],
)
def test_each_way_to_differ_is_told(
    trial: TrialRecord, runs: list[RunRecord], expected: list[tuple[Kind, int, str | None]]
) -> None:
    assert _found([trial], runs) == expected


def test_what_a_run_lacks_of_its_trial_is_told() -> None:
    epochs = tuple(EpochRecord(epoch=n, seconds=1.0, metrics={"val_rmse": 1.0}) for n in (1, 2, 3))
    trial = replace(_trial(0), params={"lr": 0.5, "a(b)": 1}, epochs=epochs)
    whole = {"lr": "0.5", "a_b_": "1"}
    record = StudyRecord(name="s", trials=(trial,))
    assert differences(record, [_run(0, params=whole, epochs=3)]) == []
    (less,) = differences(record, [_run(0, params={"a_b_": "1"}, epochs=2)])
    assert less.kind == Kind.LESS
    assert less.text == "The run of trial 0 lacks the parameters lr and epochs after 2 of 3."
    (other,) = differences(record, [_run(0, params={**whole, "lr": "0.25"}, epochs=3)])
    assert (other.kind, other.is_mendable) == (Kind.PARAMETER, False)
    assert "has lr 0.5, but its run says 0.25" in other.text
    (model,) = differences(record, [_run(0, params=whole, epochs=3)], [0])
    assert (model.kind, model.is_mendable) == (Kind.MODEL, False)
    assert differences(record, [_run(0, params=whole, epochs=3, has_model=True)], [0]) == []


def test_what_has_no_one_answer_is_not_mended() -> None:
    (found,) = differences(StudyRecord(name="s"), [_run(3)])
    assert not found.is_mendable
    assert "trial 3" in found.text


def test_final_figures_the_dataset_and_every_figure_of_an_epoch_are_compared() -> None:
    epochs = tuple(
        EpochRecord(epoch=n, seconds=1.0, metrics={"val_rmse": 1.0 / n, "a(b)": math.nan})
        for n in (1, 2, 3)
    )
    trial = replace(_trial(0), epochs=epochs, metrics={"test_rmse": 0.75, "seconds_train": 2.0})
    dataset = DatasetRecord(name="sample", content_hash="0" * 64)
    record = StudyRecord(name="s", trials=(trial,), dataset=dataset)
    figures = {"test_rmse": 0.75, "seconds_train": 2.0}
    names = {"val_rmse": "val_rmse", "a(b)": "a_b_"}  # as MLflow gives them back
    curve = [
        replace(each, metrics={names[name]: value for name, value in each.metrics.items()})
        for each in epochs
    ]

    def found(run: RunRecord, written: Sequence[EpochRecord]) -> list[tuple[Kind, str]]:
        told = differences(record, [run], curve=lambda run_id: written)
        return [(each.kind, each.text) for each in told]

    whole = _run(0, epochs=3, metrics=figures, has_dataset=True)
    assert found(whole, curve) == []
    assert found(replace(whole, has_dataset=False), curve) == [
        (Kind.LESS, "The run of trial 0 lacks its dataset.")
    ]
    assert found(replace(whole, metrics={"test_rmse": 0.75}), curve) == [
        (Kind.LESS, "The run of trial 0 lacks the figures seconds_train.")
    ]
    assert found(replace(whole, metrics={**figures, "test_rmse": 0.5}), curve) == [
        (Kind.OTHER, "Trial 0 has test_rmse 0.75, but its run says 0.5.")
    ]
    assert found(whole, [curve[0], curve[2]]) == [
        (Kind.LESS, "The run of trial 0 lacks figures of epoch 2.")
    ]
    curve[1] = replace(curve[1], metrics={"val_rmse": 0.25, "a_b_": math.nan})
    ((kind, text),) = found(whole, curve)
    assert kind == Kind.EPOCH
    assert "has val_rmse 0.5 in epoch 2, but its run says 0.25" in text
    assert "delete the run there" in text


def test_an_infinite_figure_is_the_one_that_mlflow_stores_for_it() -> None:
    trial = replace(_trial(0, value=math.inf), metrics={"test_rmse": -math.inf})
    run = _run(0, value=1.7976931348623157e308, metrics={"test_rmse": -1.7976931348623157e308})
    record = StudyRecord(name="s", trials=(trial,))
    assert differences(record, [run]) == []
    assert differences(record, [replace(run, value=-1.7976931348623157e308)])[0].kind == Kind.OTHER
