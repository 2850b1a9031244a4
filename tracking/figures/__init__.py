"""Figures of studies and trials: one function computes what another one draws."""
