"""Compiled epochs of our own rating models; only what trains imports Numba."""
