"""Reads the trials of a study from Optuna's tables, in few statements."""
