"""Predicts with a model that a study kept."""
