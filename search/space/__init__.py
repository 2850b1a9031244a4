"""The search space: parameters, their declaration with Keras Tuner, and configurations of it."""
