"""Figures of studies and trials: computed first, then drawn."""
