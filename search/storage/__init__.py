"""Optuna's storage: reads and writes studies, trials and their attributes."""
