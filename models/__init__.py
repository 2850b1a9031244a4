"""What one trial trains: ratings, the builder, the baseline, the trainer.

Names that need TensorFlow are imported when first used, so `import models` is quick.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from models.baseline import (
    CurvePoint,
    as_written,
    baseline,
    published,
    published_curve,
    published_rmse,
)
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

if TYPE_CHECKING:
    from models.builder import build_model, format_layer_table, layer_table
    from models.fast import TrainerUsed, speed_up
    from models.saving import id_type, save_keras_model, save_ratings_model
    from models.training import (
        Epoch,
        TrainResult,
        build_for,
        compile_model,
        device_types,
        make_deterministic,
        predict,
        refit,
        see_one_gpu,
        set_threads,
        train,
    )

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
    "device_types",
    "format_layer_table",
    "id_type",
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
    "TrainerUsed": "models.fast",
    "speed_up": "models.fast",
    "build_model": "models.builder",
    "format_layer_table": "models.builder",
    "layer_table": "models.builder",
    "id_type": "models.saving",
    "save_keras_model": "models.saving",
    "save_ratings_model": "models.saving",
    "Epoch": "models.training",
    "TrainResult": "models.training",
    "build_for": "models.training",
    "compile_model": "models.training",
    "device_types": "models.training",
    "make_deterministic": "models.training",
    "predict": "models.training",
    "refit": "models.training",
    "see_one_gpu": "models.training",
    "set_threads": "models.training",
    "train": "models.training",
}


def __getattr__(name: str) -> Any:
    """Import a heavy name when it is first asked for."""
    if name not in _HEAVY:
        raise AttributeError(f"module 'models' has no attribute {name!r}")
    return getattr(import_module(_HEAVY[name]), name)
