"""What may vary: parameters, their declaration with Keras Tuner, and points of the space."""
