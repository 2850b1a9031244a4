"""Training at the machine's speed: Keras' `fit` with the same mathematics, chunk by chunk."""

from models.fast.eligibility import why_not
from models.fast.growth import rows_by_epoch
from models.fast.trainer import TrainerUsed, fit, speed_up
from models.fast.training_loop import fast_fit

__all__ = ["TrainerUsed", "fast_fit", "fit", "rows_by_epoch", "speed_up", "why_not"]
