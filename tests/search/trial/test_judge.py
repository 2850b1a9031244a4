"""How a trial is judged, by what its study and its plan say."""

from __future__ import annotations

from typing import Any

import pytest

from search import StudyConfig
from search.pruners.warm_up import WarmUp
from search.storage.trial_attributes import TrialPlan
from search.trial.judge import Judging, judging_of

FULL = TrialPlan(values={"batch_size": "full"})
SMALL = TrialPlan(values={"batch_size": "256"})
PRESET = TrialPlan(preset="baseline")
NEVER = Judging(first=None, by_parts=False, tells_epochs=True, tells_parts=False)
FIVE_FOLDS = {"folds": 5, "pruner": "wilcoxon"}
GROWN = {"growth": [[0.1, 10], [0.3, 10]]}


@pytest.mark.parametrize(
    ("given", "slot", "plan", "expected"),
    [
        ({}, 0, PRESET, NEVER),  # the baseline is what others are compared with
        ({"pruner": "none"}, 1, FULL, NEVER),
        ({}, 1, FULL, Judging(first=15)),
        ({}, 1, SMALL, Judging(first=4)),
        ({"pruner_options": {"n_warmup_steps": 7}}, 1, SMALL, Judging(first=7)),
        ({"pruner": "asha", "pruner_options": {"min_resource": 3}}, 1, FULL, Judging(first=3)),
        ({"pruner": "wilcoxon"}, 1, SMALL, Judging(first=15)),  # no warm-up for each shape
        (FIVE_FOLDS, 1, FULL, Judging(by_parts=True, tells_epochs=False, tells_parts=True)),
        (FIVE_FOLDS, 0, PRESET, Judging(tells_epochs=False, tells_parts=True)),
        (GROWN, 1, FULL, Judging(first=20)),  # the end of the stage that epoch 15 falls into
        (GROWN, 1, SMALL, Judging(first=10)),
        (GROWN, 0, PRESET, Judging(tells_epochs=False)),  # it sees all rows from the start
    ],
)
def test_a_trial_is_judged_as_its_study_and_its_plan_say(
    given: dict[str, Any], slot: int, plan: TrialPlan, expected: Judging
) -> None:
    assert judging_of(StudyConfig(**given), slot, plan) == expected


@pytest.mark.parametrize(
    ("given", "size", "first"),
    [
        ({}, "256", 2),
        ({}, "16384", 4),  # 306 steps an epoch
        ({"pruner": "asha"}, "256", 4),
        ({"pruner_options": {"n_warmup_steps": 7}}, "256", 7),
        (GROWN, "256", 10),
    ],
)
def test_a_trial_whose_epochs_have_many_steps_is_judged_from_its_second(
    given: dict[str, Any], size: str, first: int
) -> None:
    plan = TrialPlan(values={"batch_size": size})
    warm_up = WarmUp(least=2, rows=5_000_000)
    assert judging_of(StudyConfig(**given), 1, plan, warm_up).first == first
