"""The published trial: its configuration, its curve and its figures."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from models.config import ModelConfig, TrainConfig


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """One epoch of the published curve."""

    epoch: int
    seconds: float
    loss: float
    rmse: float
    val_loss: float
    val_rmse: float


def baseline() -> tuple[ModelConfig, TrainConfig]:
    """The published trial.

    Embeddings of 15; dense 128, 64, 32 with dropout 0.6 and 0.5; ReLU output with bias 7; L2 0.01
    on kernels alone; Adam 0.01, one step an epoch; early stopping after 30 epochs without a fall
    of 0.001. Every default of both configurations is the published value.
    """
    return ModelConfig(), TrainConfig()


def as_written() -> tuple[ModelConfig, TrainConfig]:
    """The trial as its text reads: with dropout 0.4 and dense 16 wired before the output."""
    config = ModelConfig(units=(128, 64, 32, 16), dropout=(0.6, 0.5, 0.4, 0.0))
    return config, TrainConfig()


@cache
def published() -> dict[str, Any]:
    """Every published figure, as stored in `published.json`."""
    text = files("models").joinpath("published.json").read_text(encoding="utf-8")
    figures: dict[str, Any] = json.loads(text)
    return figures


def published_rmse() -> float:
    """Validation RMSE of the published trial on MUBI: that of its best epoch, 54."""
    return float(published()["result"]["reported_val_rmse"])


@cache
def published_curve() -> tuple[CurvePoint, ...]:
    """The 84 published epochs."""
    text = files("models").joinpath("published_curve.csv").read_text(encoding="utf-8")
    rows = csv.DictReader(text.splitlines())
    return tuple(
        CurvePoint(int(row["epoch"]), *(float(row[name]) for name in _FIELDS)) for row in rows
    )


_FIELDS = ("seconds", "loss", "rmse", "val_loss", "val_rmse")
