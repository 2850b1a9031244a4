"""The curve of a running trial, by hand."""

from __future__ import annotations

import math
from typing import Any

import pytest

from search.child.messages import Part
from search.trial.run import Curve
from tracking import EpochRecord


def _epoch(number: int, seconds: float = 1.0, **metrics: float) -> EpochRecord:
    named = {name.replace("__", "/"): value for name, value in metrics.items()}
    return EpochRecord(epoch=number, seconds=seconds, metrics=named)


def test_the_best_value_is_none_before_an_epoch_has_a_finite_one() -> None:
    curve = Curve(monitor="val_rmse", sign=1.0)
    assert (curve.best, curve.lowest) == (None, math.inf)
    curve.add(_epoch(1, val_rmse=math.nan))
    curve.add(_epoch(2, rmse=0.1))  # without the number that counts
    assert curve.best is None
    assert len(curve.epochs) == 2


@pytest.mark.parametrize(
    ("sign", "best", "lowest"), [(1.0, 0.7, 0.7), (-1.0, 0.9, -0.9)], ids=["least", "greatest"]
)
def test_the_best_value_goes_the_objectives_way(sign: float, best: float, lowest: float) -> None:
    curve = Curve(monitor="score", sign=sign)
    for number, value in enumerate((0.8, 0.7, 0.9), 1):
        curve.add(_epoch(number, score=value))
    assert (curve.best, curve.lowest) == (best, lowest)


def test_an_epoch_of_a_later_part_is_merged_with_the_first_parts_of_its_number() -> None:
    curve = Curve(monitor="val_rmse", sign=1.0)
    curve.add(_epoch(1, 2.0, val_rmse=0.9))
    curve.add(_epoch(1, 3.0, fold_2__val_rmse=0.5))
    curve.add(_epoch(2, 4.0, fold_2__val_rmse=0.4))  # the first fold ended after one epoch
    merged: list[tuple[int, float, Any]] = [(e.epoch, e.seconds, e.metrics) for e in curve.epochs]
    assert merged == [
        (1, 5.0, {"val_rmse": 0.9, "fold_2/val_rmse": 0.5}),
        (2, 4.0, {"fold_2/val_rmse": 0.4}),
    ]
    assert [epoch.seconds for epoch in curve.unwritten] == [2.0, 3.0, 4.0]
    assert curve.best == 0.9  # another part's number has a name of its own


@pytest.mark.parametrize(("sign", "lowest"), [(1.0, 0.75), (-1.0, -0.75)])
def test_once_a_part_has_ended_the_best_value_is_the_mean_of_the_parts(
    sign: float, lowest: float
) -> None:
    curve = Curve(monitor="val_rmse", sign=sign)
    curve.add(_epoch(1, val_rmse=0.2))
    curve.add_part(Part(number=1, value=0.5))
    assert curve.best == 0.5  # though an epoch had 0.2
    curve.add_part(Part(number=2, value=1.0))
    assert (curve.best, curve.lowest, curve.parts) == (0.75, lowest, [0.5, 1.0])
