"""The figures published for the trial on MUBI: data, result and learning curve."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

_CURVE_COLUMNS = ("seconds", "loss", "rmse", "val_loss", "val_rmse")


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """One epoch of the published learning curve.

    Attributes:
        epoch: 1 for the first.
        seconds: Wall time of the epoch.
        loss: Training loss: mean squared error and L2 penalties.
        rmse: Training RMSE, dropout on.
        val_loss: Validation loss.
        val_rmse: Validation RMSE.

    Example:
        >>> point = CurvePoint(1, 15.0, loss=13.7, rmse=3.45, val_loss=12.6, val_rmse=3.31)
        >>> point.val_rmse
        3.31
    """

    epoch: int
    seconds: float
    loss: float
    rmse: float
    val_loss: float
    val_rmse: float


def load_published() -> dict[str, Any]:
    """Return every published figure, as `published.json` holds them.

    The dictionary is read once and shared: do not change it.

    Example:
        >>> load_published()["dataset"]["user_filter"]["min_ratings"]
        20
    """
    return _figures()


def published_rmse() -> float:
    """Return the published validation RMSE on MUBI: the RMSE of epoch 54, the best epoch.

    Example:
        >>> round(published_rmse(), 4)
        0.8396
    """
    return float(_figures()["result"]["reported_val_rmse"])


def published_curve() -> tuple[CurvePoint, ...]:
    """Return the published learning curve, one point for each of its 84 epochs.

    Example:
        >>> len(published_curve()), published_curve()[0].loss
        (84, 13.6929)
    """
    return _curve()


@cache
def _figures() -> dict[str, Any]:
    text = files("models").joinpath("published.json").read_text(encoding="utf-8")
    figures: dict[str, Any] = json.loads(text)
    return figures


@cache
def _curve() -> tuple[CurvePoint, ...]:
    text = files("models").joinpath("published_curve.csv").read_text(encoding="utf-8")
    rows = csv.DictReader(text.splitlines())
    return tuple(
        CurvePoint(int(row["epoch"]), *(float(row[name]) for name in _CURVE_COLUMNS))
        for row in rows
    )
