"""A trainer that does what Keras' `fit` does, with the same mathematics, in less time.

Names that need TensorFlow are imported when first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from models.fast.plan import EpochPlan, rows_by_epoch
from models.fast.used import TrainerUsed

if TYPE_CHECKING:
    from models.fast.eligibility import why_not
    from models.fast.trainer import fit, speed_up
    from models.fast.training_loop import fast_fit

__all__ = ["EpochPlan", "TrainerUsed", "fast_fit", "fit", "rows_by_epoch", "speed_up", "why_not"]

_HEAVY = {
    "fast_fit": "models.fast.training_loop",
    "fit": "models.fast.trainer",
    "speed_up": "models.fast.trainer",
    "why_not": "models.fast.eligibility",
}


def __getattr__(name: str) -> Any:
    """Import a heavy name when it is first asked for."""
    if name not in _HEAVY:
        raise AttributeError(f"module 'models.fast' has no attribute {name!r}")
    return getattr(import_module(_HEAVY[name]), name)
