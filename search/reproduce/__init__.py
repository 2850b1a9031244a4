"""Trains a recorded trial again and compares it with its record."""

from search.reproduce.replay import Again
from search.reproduce.run import reproduce

__all__ = ["Again", "reproduce"]
