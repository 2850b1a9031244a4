"""What one trial trains: configurations, ratings, the network, its training and saving.

Names that need TensorFlow are imported when first used, so `import models` is quick.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from models.baseline import as_written, baseline
from models.config import (
    ACTIVATIONS,
    FULL_BATCH,
    OPTIMIZERS,
    OUTPUT_ACTIVATIONS,
    TRAIN_MEAN,
    ModelConfig,
    TrainConfig,
)
from models.early_stopping import EarlyStop
from models.errors import ModelsError
from models.published_figures import CurvePoint, published_curve, published_rmse
from models.published_figures import load_published as published

if TYPE_CHECKING:
    from models.builder import build_model
    from models.curve import Epoch, TrainResult
    from models.devices import device_types, make_deterministic, see_one_gpu, set_threads
    from models.fast.trainer import fit, speed_up
    from models.fast.used import TrainerUsed
    from models.layer_summary import count_parameters, format_layer_table, layer_table
    from models.saving import save_keras_model, save_ratings_model
    from models.training import build_for, compile_model, predict, refit, train

__all__ = [
    "ACTIVATIONS",
    "FULL_BATCH",
    "OPTIMIZERS",
    "OUTPUT_ACTIVATIONS",
    "TRAIN_MEAN",
    "CurvePoint",
    "EarlyStop",
    "Epoch",
    "ModelConfig",
    "ModelsError",
    "TrainConfig",
    "TrainResult",
    "TrainerUsed",
    "as_written",
    "baseline",
    "build_for",
    "build_model",
    "compile_model",
    "count_parameters",
    "device_types",
    "fit",
    "format_layer_table",
    "layer_table",
    "make_deterministic",
    "predict",
    "published",
    "published_curve",
    "published_rmse",
    "refit",
    "save_keras_model",
    "save_ratings_model",
    "see_one_gpu",
    "set_threads",
    "speed_up",
    "train",
]

_HEAVY = {
    "TrainerUsed": "models.fast.used",
    "fit": "models.fast.trainer",
    "speed_up": "models.fast.trainer",
    "build_model": "models.builder",
    "count_parameters": "models.layer_summary",
    "format_layer_table": "models.layer_summary",
    "layer_table": "models.layer_summary",
    "save_keras_model": "models.saving",
    "save_ratings_model": "models.saving",
    "Epoch": "models.curve",
    "TrainResult": "models.curve",
    "build_for": "models.training",
    "compile_model": "models.training",
    "device_types": "models.devices",
    "make_deterministic": "models.devices",
    "predict": "models.training",
    "refit": "models.training",
    "see_one_gpu": "models.devices",
    "set_threads": "models.devices",
    "train": "models.training",
}


def __getattr__(name: str) -> Any:
    """Import a heavy name when it is first asked for."""
    if name not in _HEAVY:
        raise AttributeError(f"module 'models' has no attribute {name!r}")
    return getattr(import_module(_HEAVY[name]), name)
