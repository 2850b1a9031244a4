"""Runs one trial, from the sampler's proposal to its end in Optuna and in MLflow."""
