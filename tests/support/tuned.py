"""A tiny model that any Keras Tuner tuner can train in a second, and its data."""

import keras
import keras_tuner
import numpy as np

_RNG = np.random.default_rng(0)
X = _RNG.normal(size=(64, 3)).astype("float32")
Y = X @ np.array([[1.0], [-2.0], [0.5]], dtype="float32")


def build(hp):
    model = keras.Sequential([keras.Input((3,))])
    kind = hp.Choice("kind", ["line", "layer"])
    if kind == "layer":
        with hp.conditional_scope("kind", ["layer"]):
            model.add(keras.layers.Dense(hp.Int("units", 2, 8, sampling="log"), activation="relu"))
    model.add(keras.layers.Dense(1))
    rate = hp.Float("learning_rate", 1e-3, 1e-1, sampling="log")
    model.compile(keras.optimizers.Adam(rate), loss="mse")
    return model


class Tuned(keras_tuner.HyperModel):
    def build(self, hp):
        return build(hp)

    def fit(self, hp, model, **options):
        return model.fit(X, Y, validation_split=0.25, **options)
