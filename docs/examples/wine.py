"""A model of another kind: which of three growers a wine comes from.

Search it with
    trialbook search --study wine --model wine:WineModel --objective val_accuracy:max --trials 10
from the folder that holds this file. `build` owns the model, `fit` owns the data.
"""

import keras
import keras_tuner
from sklearn.datasets import load_wine
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler


class WineModel(keras_tuner.HyperModel):
    """A small classifier over 13 measurements."""

    def build(self, hp):
        """Declare the space and build the model at its point."""
        layers = hp.Int("layers", 1, 2, default=1)
        model = keras.Sequential([keras.Input((13,))])
        for number in (1, 2):
            with hp.conditional_scope("layers", list(range(number, 3))):
                units = hp.Int(f"units_{number}", 4, 64, step=2, sampling="log", default=16)
            if number <= layers:
                model.add(keras.layers.Dense(units, activation="relu"))
        model.add(keras.layers.Dense(3, activation="softmax"))
        rate = hp.Float("learning_rate", 1e-3, 1e-1, sampling="log", default=1e-2)
        model.compile(
            optimizer=keras.optimizers.Adam(rate),
            loss="sparse_categorical_crossentropy",
            metrics=["accuracy"],
        )
        return model

    def fit(self, hp, model, *args, **kwargs):
        """Train; the callbacks in `kwargs` are Trialbook's and must be passed on."""
        x, y = load_wine(return_X_y=True)
        train_x, valid_x, train_y, valid_y = train_test_split(
            x, y, test_size=0.3, random_state=0, stratify=y
        )
        scaler = StandardScaler().fit(train_x)
        return model.fit(
            scaler.transform(train_x),
            train_y,
            validation_data=(scaler.transform(valid_x), valid_y),
            **kwargs,
        )
