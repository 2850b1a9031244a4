"""What every display knows of a running study."""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType

from search.trial.standing import Running, Standing
from tracking import BASELINE_TAG, EpochRecord, StudyRecord, TrialRecord


def trial(
    number: int,
    value: float | None = None,
    state: str = "complete",
    tags: Mapping[str, str] = MappingProxyType({}),
) -> TrialRecord:
    return TrialRecord(study="s", number=number, params={}, state=state, value=value, tags=tags)


def test_an_earlier_count_that_comes_late_does_not_lower_the_count() -> None:
    now = Standing()
    now.study(StudyRecord(name="s"), finished=3, target=9)
    now.ended(trial(4, 0.9), finished=5, target=9)
    now.ended(trial(3, state="pruned"), finished=4, target=9)
    assert now.counted == ["5/9", "1 pruned"]


def test_a_study_that_goes_on_begins_with_its_best_and_its_baseline() -> None:
    base = trial(0, 1.0, tags={BASELINE_TAG: "true"})
    now = Standing()
    now.study(StudyRecord(name="s", trials=(base, trial(1, 0.75))), finished=2, target=9)
    assert now.best == "best 0.7500 (trial 1, -0.2500 against the baseline)"
    now.ended(trial(2, 0.8), finished=3, target=9)
    assert now.best_number == 1


def test_the_time_left_runs_down_and_is_not_told_once_it_is_over() -> None:
    seconds = 100.0
    now = Standing(lambda: seconds)
    assert now.time == "0:00"
    now.left(70)
    seconds = 110.0
    assert now.time == "0:10, about 1:00 left"
    seconds = 171.0
    assert now.time == "1:11"


def test_a_further_fold_has_its_own_values() -> None:
    now = Standing()
    now.study(StudyRecord(name="s", monitor="val/rmse"), finished=0, target=1)
    three = trial(3, state="running")
    now.trial(three, epochs=2)
    for epoch, name, value in (
        (1, "val/rmse", 0.9), (2, "val/rmse", 0.8),
        (1, "fold_2/val/rmse", 1.2), (2, "fold_2/val/rmse", 1.3), (2, "fold_2/rmse", 0.1),
    ):  # fmt: skip
        now.epoch(three, EpochRecord(epoch=epoch, seconds=0.1, metrics={name: value}), 0.8)
        running = now.running[0][1]
        if name == "val/rmse":
            assert (running.part, running.best_so_far) == ("", f"{min(value, 0.8):.4f}")
    assert (running.part, running.at(2), running.values) == ("fold 2", "2/2", (1.2, 1.3))
    assert (running.latest, running.best_so_far) == ("1.3000", "1.2000")


def test_a_running_trial_tells_its_epoch_and_its_values() -> None:
    now = Standing()
    now.study(StudyRecord(name="s", monitor="val_rmse"), finished=0, target=1)
    seven = trial(7, state="running")
    now.trial(seven, epochs=30)
    assert now.running == [(7, Running())]
    assert now.running[0][1].is_building
    epoch = EpochRecord(epoch=1, seconds=1.0, metrics={"val_rmse": math.nan})
    now.epoch(seven, epoch, math.inf)
    assert (now.running[0][1].latest, now.running[0][1].best_so_far) == ("nan", "")
    now.within(seven, 2, 0.25)
    assert now.running[0][1].at(30) == "2/30, 25% of it"
    now.ended(trial(7, 0.5), finished=1, target=1)
    assert now.running == []
