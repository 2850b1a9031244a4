"""Whether the compiled trainer trains a model, and how it is called; it is imported only then."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING

import keras

from models.compiled.origin import Origin, origin_of
from models.compiled.row_plan import RowPlan
from models.config import COMPILED, TrainConfig
from models.curve import CurveRecorder
from models.data import Part
from models.devices import device_types, threads_in_use
from models.errors import ModelsError

if TYPE_CHECKING:
    from models.compiled.fit import Weights


def origin_for(model: keras.Model, config: TrainConfig) -> Origin | None:
    """What the compiled trainer needs to know of a model; None where another one trains it.

    Raises:
        ModelsError: The compiled trainer is asked for, and cannot train the model.
    """
    if config.trainer not in ("auto", COMPILED):
        return None
    origin = origin_of(model)
    reason = "it was not built by `build_model`" if origin is None else ""
    if config.trainer == "auto" and "GPU" in device_types():
        reason = "there is a GPU"
    if reason and config.trainer == COMPILED:
        raise ModelsError(
            f"The compiled trainer must be able to train the model, but {reason}. "
            "Use the trainer `auto` or `keras`."
        )
    return None if reason else origin


def fit_compiled(
    model: keras.Model,
    origin: Origin,
    rows: Part,
    plan: RowPlan,
    recorder: CurveRecorder | None = None,
    valid: Part | None = None,
) -> Weights:
    """Train by compiled functions.

    Args:
        model: Built from `origin`.
        origin: What it was built from.
        rows: Train rows.
        plan: Batches and epochs.
        recorder: Hears each epoch.
        valid: Validation rows, scored after each epoch.

    Returns:
        The last epoch's weights, which the model lacks until `finish`.
    """
    compiled = _compiled()
    job = compiled.Job.of(plan, rows, valid, threads=threads_in_use())
    weights: Weights = compiled.fit(compiled.start_of(model, origin), origin, job, recorder)
    return weights


def finish(model: keras.Model, origin: Origin, weights: Weights) -> None:
    """Put trained weights into the Keras model that `fit_compiled` was given."""
    _compiled().finish(model, origin, weights)


def _compiled() -> ModuleType:
    return import_module("models.compiled.fit")
