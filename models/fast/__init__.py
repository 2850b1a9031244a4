"""Training at the machine's speed: Keras' `fit` with the same mathematics, chunk by chunk."""

from models.fast.choosing import TrainerUsed, fit, speed_up
from models.fast.fitting import fast_fit
from models.fast.growing import rows_by_epoch
from models.fast.suiting import why_not

__all__ = ["TrainerUsed", "fast_fit", "fit", "rows_by_epoch", "speed_up", "why_not"]
