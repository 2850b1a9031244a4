"""A model whose parameters have every name that a user may give, and values of the same names."""

import keras
import keras_tuner
import numpy as np
from hostile import NAMES


class Named(keras_tuner.HyperModel):
    def build(self, hp):
        for name in NAMES:
            hp.Choice(name, [name, "other"])
        model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
        model.compile(optimizer="sgd", loss="mse")
        return model

    def fit(self, hp, model, *args, **kwargs):
        data = np.ones((8, 2)), np.ones((8, 1))
        return model.fit(*data, *args, validation_data=data, **kwargs)
