"""Keras Tuner's side: its tuners train a study's trials, its projects are imported as studies."""

from search.oracle.oracle import OptunaOracle

__all__ = ["OptunaOracle"]
