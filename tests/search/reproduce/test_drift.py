"""A value that was altered in one of the places that hold it, by hand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import optuna
import pytest

from search import StudyConfig
from search.reproduce.comparison import compared
from search.reproduce.drift import _seed, own_data_lines, record_lines
from search.reproduce.replay import Replay, Stored
from search.seeds import training_seed
from tracking import EpochRecord, TrialRecord


class FakeRecorder:
    """MLflow, which holds one number."""

    def __init__(self, value: float | None) -> None:
        self._value = value

    def metric(self, run_id: str, name: str) -> float | None:
        assert (run_id, name) == ("r", "best_val_rmse")
        return self._value


def _stored(
    value: float = 0.5,
    *,
    figure: float | None = 0.5,
    in_mlflow: float | None = 0.5,
    config: StudyConfig | None = None,
    metrics: dict[str, float] | None = None,
    is_in_mlflow: bool = True,
) -> Stored:
    """A complete trial with 0.5 everywhere, or another number in one place."""
    figures = {} if figure is None else {"best_val_rmse": figure}
    outcome = {"state": "complete", "metrics": figures}
    trial = optuna.trial.create_trial(value=value, user_attrs={"trialbook:outcome": outcome})
    curve = [(1, 0.9), (2, 0.5), (3, 0.6)]
    record = TrialRecord(
        study="s",
        number=0,
        params={},
        state="complete",
        value=value,
        metrics={"best_epoch": 2.0} if metrics is None else metrics,
        epochs=tuple(EpochRecord(epoch=e, seconds=0, metrics={"val_rmse": v}) for e, v in curve),
        run_id="r",
    )
    study: Any = None
    recorder: Any = FakeRecorder(in_mlflow)
    run = {"run_id": "r"} if is_in_mlflow else None
    return Stored(study, config or StudyConfig(), trial, record, recorder, run)


def test_where_all_places_agree_there_is_nothing_to_say() -> None:
    assert record_lines(_stored()) == []


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"in_mlflow": None}, "MLflow holds no best_val_rmse to compare it with"),
        ({"figure": None}, "the trial's figures hold no best_val_rmse to compare it with"),
        ({"is_in_mlflow": False}, "MLflow does not hold the trial's run"),
        ({"metrics": {"best_epoch": 9.0}}, "its curve lacks its best epoch"),
        ({"metrics": {}}, "its curve lacks its best epoch"),
    ],
)
def test_a_check_that_cannot_be_made_is_said(changed: dict[str, Any], told: str) -> None:
    (line,) = record_lines(_stored(**changed))
    assert line.startswith("record: ")
    assert told in line


def test_what_a_users_own_fit_returned_need_not_be_on_its_curve() -> None:
    own = StudyConfig(model="m:M", objective="val_rmse:min")
    assert record_lines(_stored(0.25, figure=0.25, in_mlflow=0.25, config=own)) == []


def test_a_value_of_exactly_zero_is_compared_as_any_other() -> None:
    (line,) = record_lines(_stored(0.0, figure=0.0, in_mlflow=0.0))
    assert "0.0 is stored, but its curve has 0.500000" in line


@pytest.mark.parametrize(
    ("changed", "place"),
    [({"in_mlflow": 0.25}, "MLflow holds 0.25"), ({"figure": 0.25}, "figures hold 0.25")],
)
def test_another_number_in_one_place_is_named(changed: dict[str, float], place: str) -> None:
    (line,) = record_lines(_stored(**changed))
    assert line.startswith("record: Optuna holds 0.5")
    assert place in line


def test_a_number_that_was_altered_everywhere_differs_from_the_curve() -> None:
    (line,) = record_lines(_stored(0.25, figure=0.25, in_mlflow=0.25))
    assert "0.25 is stored, but its curve has 0.500000 at its best epoch" in line


def test_a_trial_of_several_folds_is_held_against_the_mean_of_theirs() -> None:
    folds = {"parts": 2.0, "fold_1/best_val_rmse": 0.25, "fold_2/best_val_rmse": 0.75}
    config = StudyConfig(folds=2)
    assert record_lines(_stored(config=config, metrics=folds)) == []
    (line,) = record_lines(_stored(config=config, metrics=folds | {"parts": 3.0}))
    assert "2 of its 3 parts have a value" in line
    folds["fold_2/best_val_rmse"] = 0.5
    (line,) = record_lines(_stored(config=config, metrics=folds))
    assert "0.5 is stored, but the mean of its 2 parts is 0.375" in line


def test_a_reused_trial_has_the_seed_of_the_training_that_it_repeats() -> None:
    """Trial 3 has the values of trial 1, so also its seed; trial 2 must have its own."""
    study = optuna.create_study()
    for number, factors in enumerate((1, 2, 3, 2)):
        seed = training_seed(42, 1 if number == 3 else number)
        plan = {"values": {"factors": factors}, "seed": seed}
        attributes = {"trialbook:plan": plan, "trialbook:slot": number}
        study.add_trial(optuna.trial.create_trial(value=0.5, user_attrs=attributes))
    any_of_them: Any = None
    for trial in study.trials:
        for duplicates, repeats in (("reuse", trial.number == 3), ("repeat", False)):
            config = StudyConfig(duplicates=duplicates)
            stored = Stored(study, config, trial, any_of_them, any_of_them, None)
            is_own = stored.plan.seed == training_seed(42, trial.number)
            assert (_seed(stored) == stored.plan.seed) == (is_own or repeats)


def _replay(*losses: float, dataset: object = None, value: float = 0.5) -> Replay:
    ready: Any = SimpleNamespace(dataset=dataset)
    ended: Any = SimpleNamespace(value=value)
    epochs = [
        EpochRecord(epoch=n, seconds=0, metrics={"val_rmse": loss})
        for n, loss in enumerate(losses, start=1)
    ]
    return Replay(ready, ended, tuple(epochs))


def test_an_own_models_data_are_checked_by_its_losses_or_said_to_be_unchecked() -> None:
    """The recorded losses are 0.9, 0.5 and 0.6."""
    stored = _stored()
    assert own_data_lines(stored, _replay(0.9, 0.5, 0.6), 1e-6) == []
    assert own_data_lines(stored, _replay(0.1, dataset=object()), 1e-6) == []  # it has a hash
    (line,) = own_data_lines(stored, _replay(0.9, 0.5, 0.7), 1e-6)
    assert line.startswith("data: val_rmse of epoch 3 was 0.6000000 then, 0.7000000 now")
    (line,) = own_data_lines(stored, _replay(0.9, 0.5), 1e-6)
    assert "epoch 3 was 0.6000000 then, nan now" in line
    bare = replace(stored, record=replace(stored.record, epochs=()))
    (line,) = own_data_lines(bare, _replay(), 1e-6)
    assert "could not be checked" in line


def test_the_picture_says_what_it_compares_and_how_far_both_are_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[tuple[dict, str]] = []

    def draw(curves: dict, path: Path, *, title: str, **_: object) -> Path:
        drawn.append((curves, title))
        return path

    monkeypatch.setattr("search.reproduce.comparison.reproduction_figure", draw)
    monkeypatch.setattr("search.reproduce.comparison.drift_lines", lambda *_: [])
    stored = _stored(is_in_mlflow=False)
    compared(stored, _replay(0.9, 0.5, 0.6), tmp_path)
    compared(stored, _replay(0.9, 0.5, 0.7), tmp_path)
    (same, title), (other, others_title) = drawn
    name = f"{stored.record.study}, trial {stored.record.number}"
    assert title == f"{name}: identical in 3 of 3 epochs"
    assert others_title == f"{name}: identical in 2 of 3 epochs, at most 0.1000 apart (epoch 3)"
    assert list(same) == [f"recorded trial {stored.record.number}", "trained again"]
    assert same["trained again"] == [(1, 0.9), (2, 0.5), (3, 0.6)]
    assert other["trained again"][-1] == (3, 0.7)


@pytest.mark.parametrize("line", ["data: hash a… then, b… now", "threads: 1 then, 2 now"])
def test_the_same_value_on_other_data_is_not_reproduced(
    line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("search.reproduce.comparison.drift_lines", lambda *_: [line])
    made = compared(_stored(), _replay(dataset=object()), tmp_path)
    assert made.is_same_value
    assert made.drift == (line,)
    assert made.reproduced == line.startswith("threads")
