"""The search space: its parameters, their declaration with Keras Tuner, and configurations."""
