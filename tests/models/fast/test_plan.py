from __future__ import annotations

from models.fast import EpochPlan, rows_by_epoch


def test_stages_come_first_and_all_rows_last() -> None:
    assert rows_by_epoch([(10, 2), (30, 1)], 5, 100) == [10, 10, 30, 100, 100]
    assert rows_by_epoch([(10, 4)], 3, 100) == [10, 10, 10]
    assert rows_by_epoch([], 2, 7) == [7, 7]


def test_a_plan_of_nothing_is_keras_own_default() -> None:
    plan = EpochPlan()
    assert (plan.batch_size, plan.epochs, plan.shuffle) == (32, 1, True)
    assert plan.rows_by_epoch(7) == [7]
