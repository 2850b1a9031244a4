"""Trains our rating models without Keras; a Keras model is made of the weights later."""

from models.alone.files import write_weights
from models.alone.training import (
    Alone,
    Network,
    Recipe,
    parameters_of,
    refit_alone,
    train_alone,
)

__all__ = [
    "Alone",
    "Network",
    "Recipe",
    "parameters_of",
    "refit_alone",
    "train_alone",
    "write_weights",
]
