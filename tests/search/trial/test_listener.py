"""What a trial tells while it trains, and what it hears back."""

from __future__ import annotations

import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from search import StudyConfig
from search.child.messages import Done, EpochEnded, Task
from search.executor.training import train
from search.trial.judge import Judge, Judging
from search.trial.listener import TrialListener
from search.trial.progress import Silent
from search.trial.run import Curve, TrialRun
from tracking import EpochRecord, TrialRecord


def test_the_pruner_is_asked_about_judged_epochs_with_a_value_only(tmp_path: Path) -> None:
    """A loss that is no longer a number ends a trial as that, and never as pruned."""
    replies: list[bool] = []
    asked: list[dict[int, float]] = []

    def prune(_: object, trial: Any) -> bool:
        asked.append(dict(trial.intermediate_values))
        return True

    values = [(1, 0.9, False), (2, math.nan, True), (3, 0.8, True)]
    told = [
        EpochEnded(
            record=EpochRecord(epoch=epoch, seconds=0, metrics={"val_rmse": value}), waits=waits
        )
        for epoch, value, waits in values
    ]
    messages = iter([*told, Done(end_reason="pruned", value=0.8, metrics={})])
    supervisor: Any = SimpleNamespace(
        submit=lambda task, is_over: True,
        poll=lambda timeout_s: next(messages),
        reply=replies.append,
    )
    pruner = SimpleNamespace(prune=prune, why=lambda study, trial: "worse than the rest")
    study: Any = SimpleNamespace(pruner=pruner, _storage=None)
    trial: Any = SimpleNamespace(_cached_frozen_trial=SimpleNamespace(intermediate_values={}))
    curve = Curve(monitor="val_rmse", sign=1.0)
    run = TrialRun(trial, TrialRecord(study="s", number=1, params={}), tmp_path, curve)
    judge = Judge(StudyConfig(), study, trial, Judging(first=2), {})
    listener = TrialListener(run, judge, Any, Silent())  # type: ignore[arg-type]
    ended = train(supervisor, Task(values={}, seed=0, epochs=3, folder=Path()), listener)
    assert isinstance(ended, Done)
    assert asked == [{1: 0.9, 3: 0.8}]
    assert replies == [True, False]
    assert [epoch.epoch for epoch in curve.epochs] == [1, 2, 3]
    assert curve.best == 0.8
    assert curve.why_pruned == "worse than the rest"
