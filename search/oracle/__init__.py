"""Keras Tuner's door: its tuners over a study, its projects as studies."""

from search.oracle.oracle import OptunaOracle

__all__ = ["OptunaOracle"]
