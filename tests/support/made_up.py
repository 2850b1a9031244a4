"""Studies that nobody trained, with what real ones have: conditions, ends, curves, recipes."""

from __future__ import annotations

import json
import math
import random
from typing import Any

from tracking import (
    BASELINE_TAG,
    DatasetRecord,
    EpochRecord,
    ParameterRecord,
    Scalar,
    StudyRecord,
    Tag,
    TrialRecord,
)

BATCHES = ("full", "16384", "4096", "1024", "256")
LAYERED = "family is mlp or neumf"
SPACE = (
    ParameterRecord(
        name="optimizer", kind="choice", values=("adam", "rmsprop", "lazy_adam"), default="adam"
    ),
    ParameterRecord(name="family", kind="choice", values=("mlp", "gmf", "neumf"), default="mlp"),
    ParameterRecord(name="layers", kind="int", low=1, high=4, step=1, default=3, when=LAYERED),
    ParameterRecord(
        name="dropout_1", kind="float", low=0.0, high=0.7, step=0.05, default=0.6, when=LAYERED
    ),
    ParameterRecord(
        name="factors", kind="int", low=2, high=64, log=True, default=15,
        when="family is gmf or neumf",
    ),
    ParameterRecord(name="l2_bias", kind="float", low=1e-9, high=1e-3, log=True, default=1e-9),
    ParameterRecord(name="learning_rate", kind="float", low=3e-4, high=5e-2, log=True),
    ParameterRecord(name="batch_size", kind="choice", values=BATCHES, default="full"),
    ParameterRecord(name="patience", kind="fixed", values=(15,), default=15),
)  # fmt: skip
FILE = """
model = "ratings"
trials = 1000
epochs = 30
seed = 42
sampler = "local"
pruner = "median"
split = "published"
recipes = true
"""


def _params(rng: random.Random, number: int) -> dict[str, Scalar]:
    if number == 0:
        return {
            "optimizer": "adam", "family": "mlp", "layers": 3, "dropout_1": 0.6, "l2_bias": 1e-9,
            "learning_rate": 0.01, "batch_size": "full", "patience": 15,
        }  # fmt: skip
    family = rng.choice(("mlp", "gmf", "neumf"))
    chosen: dict[str, Scalar] = {
        "optimizer": rng.choice(("adam", "rmsprop", "lazy_adam")),
        "family": family,
        "l2_bias": 10 ** rng.uniform(-9, -3),
        "learning_rate": 10 ** rng.uniform(math.log10(3e-4), math.log10(5e-2)),
        "batch_size": rng.choice(BATCHES),
        "patience": 15,
    }
    if family != "gmf":
        chosen |= {"layers": rng.randint(1, 4), "dropout_1": round(0.05 * rng.randint(0, 14), 2)}
    if family != "mlp":
        chosen["factors"] = round(2 ** rng.uniform(1, 6))
    return chosen


def _end(rng: random.Random, number: int) -> tuple[str, str, str]:
    drawn = rng.random() if number else 0.0
    if drawn < 0.5:
        return "complete", "early_stopping", ""
    if drawn < 0.6:
        return "complete", "epochs", ""
    if drawn < 0.92:
        return "pruned", "pruned", ""
    if drawn < 0.97:
        return "failed", "nan", "The loss is no number after epoch 3."
    return "killed", "interrupted", ""


def made_up_trial(number: int, study: str = "made up") -> TrialRecord:
    """One trial; the same each time."""
    rng = random.Random(number)
    params, (state, reason, message) = _params(rng, number), _end(rng, number)
    rate = float(params["learning_rate"])  # type: ignore[arg-type]
    base = 0.88 + 0.01 * abs(math.log10(rate / 0.004)) + 0.01 * rng.random()
    base += 0.03 if number == 0 else 0.0
    count = rng.randint(6, 30)
    curve = [base + 0.3 * math.exp(-epoch / 3) for epoch in range(count)]
    epochs = tuple(
        EpochRecord(epoch=n, seconds=0.1, metrics={"val_rmse": v, "rmse": v - 0.05})
        for n, v in enumerate(curve, start=1)
    )
    ended = state in ("complete", "pruned")
    tags: dict[str, str] = {
        Tag.COMMIT: "0123456789abcdef0123", Tag.PYTHON: "3.11.7", Tag.WORKERS: "2",
        Tag.VERSIONS: json.dumps({"trialbook": "0.1.0", "keras": "3.15.1"}),
        Tag.HARDWARE: "AMD EPYC, 2 cores",
    }  # fmt: skip
    if number == 0:
        tags[BASELINE_TAG] = "true"
    if 0 < number < 4:
        tags[Tag.RECIPE] = "gmf"
    metrics = {"best_epoch": float(count), "epochs_run": float(count)}
    metrics |= {"parameters": float(rng.randint(20_000, 600_000))}
    metrics |= {"seconds_total": count * rng.uniform(0.05, 0.5)}
    return TrialRecord(
        study=study, number=number, params=params, state=state, end_reason=reason,
        message=message, value=curve[-1] if ended else None, metrics=metrics, tags=tags,
        epochs=epochs,
    )  # fmt: skip


def made_up_study(trials: int = 40, name: str = "made up", **changes: Any) -> StudyRecord:
    """A study of some trials; the same each time."""
    profile: dict[str, Scalar] = {
        "rows": 100_004, "users": 671, "movies": 9066, "split": "published", "train_rows": 56_001,
        "valid_rows": 14_001, "test_rows": 30_002, "biases_val_rmse": 0.9016,
    }  # fmt: skip
    usual: dict[str, Any] = {
        "study_file": f'name = "made-up"\n{FILE}',
        "dataset": DatasetRecord(name="movielens", content_hash="f7" * 32, profile=profile),
        "space": SPACE,
        "trials": tuple(made_up_trial(number, name) for number in range(trials)),
        "importances": {"learning_rate": 0.5, "l2_bias": 0.2, "factors": 0.15, "batch_size": 0.1},
    }
    return StudyRecord(name=name, **(usual | changes))
