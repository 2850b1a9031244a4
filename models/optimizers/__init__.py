"""Keras optimizers that sum an embedding row's gradient over its ratings before they step."""

from models.optimizers.making import make_optimizer

__all__ = ["make_optimizer"]
