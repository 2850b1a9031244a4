"""Predicts with saved models, without Keras where it is not needed."""
