"""Models in the shapes of Keras Tuner's guides, each small enough to train in a second."""

import time

import keras
import keras_tuner
import numpy as np
import tensorflow as tf

_RNG = np.random.default_rng(0)
X = _RNG.normal(size=(48, 4)).astype("float32")
Y = (X @ np.array([[1.0], [-2.0], [0.5], [0.0]], dtype="float32")).astype("float32")
LABELS = (Y[:, 0] > 0).astype("int32")
TRAIN, VALID = slice(0, 36), slice(36, 48)


def data():
    """What Keras Tuner's users give to `tuner.search`."""
    return (X[TRAIN], Y[TRAIN]), {"validation_data": (X[VALID], Y[VALID]), "batch_size": 12}


def other_data():
    """The same by names, with a callback that must be copied for each trial."""
    stops = keras.callbacks.EarlyStopping("val_loss", patience=50)
    return {"x": X, "y": Y, "validation_split": 0.25, "callbacks": [stops]}


def _dense(*layers, loss="mse", optimizer="adam", metrics=None):
    model = keras.Sequential([keras.Input((4,)), *layers, keras.layers.Dense(1)])
    model.compile(optimizer, loss=loss, metrics=metrics)
    return model


def a_function(hp):
    """A function that builds a model, the first example of every guide."""
    units = hp.Int("units", 2, 8, step=2)
    activation = hp.Choice("activation", ["relu", "tanh"])
    layers = [keras.layers.Dense(units, activation=activation)]
    if hp.Boolean("dropout"):
        layers.append(keras.layers.Dropout(0.25))
    rate = hp.Float("lr", 1e-4, 1e-2, sampling="log")
    return _dense(*layers, optimizer=keras.optimizers.Adam(rate))


def a_loop(hp):
    """The loop that tunes the number of layers and the units of each."""
    return _dense(
        *(
            keras.layers.Dense(hp.Int(f"units_{n}", 2, 8), activation="relu")
            for n in range(hp.Int("layers", 1, 3))
        )
    )


def a_reversed_log(hp):
    rate = hp.Float("rate", 0.1, 0.9, sampling="reverse_log")
    return _dense(keras.layers.Dropout(rate), optimizer=keras.optimizers.SGD(0.01))


class Without(keras_tuner.HyperModel):
    """A HyperModel without `fit`."""

    def build(self, hp):
        return a_function(hp)


class Scoped(keras_tuner.HyperModel):
    """A conditional scope with a Python `if` inside, as in Keras Tuner's own docstring."""

    def build(self, hp):
        kind = hp.Choice("kind", ["plain", "deep"])
        layers = []
        with hp.conditional_scope("kind", ["deep"]):
            if kind == "deep":
                layers.append(keras.layers.Dense(hp.Int("units", 2, 8), activation="relu"))
                with hp.conditional_scope("units", [7, 8]):
                    if layers[0].units > 6:
                        layers.append(keras.layers.Dropout(hp.Float("rate", 0.1, 0.5)))
        return _dense(*layers)


class Namesakes(keras_tuner.HyperModel):
    """One name under two conditions, with other choices each."""

    def build(self, hp):
        kind = hp.Choice("kind", ["small", "large"])
        with hp.conditional_scope("kind", ["small"]):
            if kind == "small":
                units = hp.Choice("units", [2, 3])
        with hp.conditional_scope("kind", ["large"]):
            if kind == "large":
                units = hp.Choice("units", [8, 16, 32])
        return _dense(keras.layers.Dense(units))


class InFit(keras_tuner.HyperModel):
    """Tunes how a model is trained: batch size and shuffling are declared in `fit`."""

    def build(self, hp):
        return _dense(keras.layers.Dense(hp.Int("units", 2, 4)))

    def fit(self, hp, model, x, y, validation_data=None, **options):
        options["batch_size"] = hp.Choice("batch_size", [6, 12])
        return model.fit(
            x, y, shuffle=hp.Boolean("shuffle"), validation_data=validation_data, **options
        )


class Declared(keras_tuner.HyperModel):
    """Declares its parameters apart from `build`, which reads them."""

    def declare_hyperparameters(self, hp):
        hp.Int("units", 2, 8)

    def build(self, hp):
        return _dense(keras.layers.Dense(hp.get("units")))


class Returns(keras_tuner.HyperModel):
    """Trains, and returns what `hp.Choice("returns", ...)` says."""

    def build(self, hp):
        return _dense(keras.layers.Dense(hp.Int("units", 2, 4)))

    def fit(self, hp, model, **options):
        history = model.fit(X[TRAIN], Y[TRAIN], validation_data=(X[VALID], Y[VALID]), **options)
        values = history.history["val_loss"]
        return {
            "least": min(values),
            "numpy": np.mean(np.float32(values)),
            "tensor": tf.constant(0.75),
            "dict": {"val_loss": 123.0, "val_more": 2.0},
            "history": history,
            "nothing": None,
            "list": [{"val_loss": 1.0}, 3.0, np.float32(2.0)],
            "nan": float("nan"),
            "gaps": {"val_loss": 1.5, "val_odd": float("inf"), "val_zero": 0.0},
        }[hp.Choice("returns", ["least"])]


def returning(what):
    """A model whose `fit` returns something else."""

    class Other(Returns):
        def fit(self, hp, model, **options):
            hp.Fixed("returns", what)
            return super().fit(hp, model, **options)

    return Other()


numpy, tensor, dictionary, history, nothing, several, not_a_number, with_gaps = (
    returning(what)
    for what in ("numpy", "tensor", "dict", "history", "nothing", "list", "nan", "gaps")
)


class Folds(keras_tuner.HyperModel):
    """Cross-validates in `fit`, with a model for each fold, and returns the folds' mean."""

    def build(self, hp):
        return _dense(keras.layers.Dense(hp.Int("units", 2, 4)))

    def fit(self, hp, model, callbacks=(), epochs=1, verbose=0):
        scores = []
        for fold in range(3):
            rows = np.arange(48) % 3 == fold
            model = self.build(hp)
            model.fit(
                X[~rows],
                Y[~rows] + 5.0 * fold,
                validation_data=(X[rows], Y[rows] + 5.0 * fold),
                callbacks=callbacks,
                epochs=epochs,
                verbose=verbose,
            )
            scores.append(model.evaluate(X[rows], Y[rows] + 5.0 * fold, verbose=0))
        return np.mean(scores)


class Overfits(keras_tuner.HyperModel):
    """Its step size grows, so that the first epoch is the best."""

    def build(self, hp):
        hp.Fixed("units", 1)
        return _dense(optimizer=keras.optimizers.SGD(0.05))

    def fit(self, hp, model, callbacks=(), **options):
        wilder = keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate * 3)
        return model.fit(
            X[TRAIN],
            Y[TRAIN],
            validation_data=(X[VALID], Y[VALID]),
            callbacks=[wilder, *callbacks],
            **options,
        )


class Late(keras.Model):
    """A subclass that is built by its first batch and has no outputs."""

    def __init__(self, units):
        super().__init__()
        self.hidden = keras.layers.Dense(units)
        self.last = keras.layers.Dense(1)

    def call(self, inputs):
        return self.last(self.hidden(inputs))


def a_subclass(hp):
    model = Late(hp.Int("units", 2, 8))
    model.compile("adam", loss="mse")
    return model


def a_sequence_without_input(hp):
    model = keras.Sequential([keras.layers.Dense(hp.Int("units", 2, 8)), keras.layers.Dense(1)])
    model.compile("adam", loss="mse")
    return model


def in_a_strategy(hp):
    with tf.distribute.MirroredStrategy(["CPU:0"]).scope():
        return _dense(keras.layers.Dense(hp.Int("units", 2, 8)))


def a_classifier(hp):
    model = keras.Sequential(
        [keras.Input((4,)), keras.layers.Dense(hp.Int("units", 2, 8)), keras.layers.Dense(2)]
    )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("adam", loss=loss, metrics=["accuracy"])
    return model


def labels():
    return {"x": X, "y": LABELS, "validation_split": 0.25}


def a_data_set():
    """Batches of TensorFlow's own data sets."""
    rows = tf.data.Dataset.from_tensor_slices((X[TRAIN], Y[TRAIN])).batch(12)
    return {"x": rows, "validation_data": rows.take(1)}


def two_inputs(hp):
    left, right = keras.Input((2,), name="left"), keras.Input((2,), name="right")
    units = hp.Int("units", 2, 8)
    both = keras.layers.Concatenate()([keras.layers.Dense(units)(left), right])
    model = keras.Model({"left": left, "right": right}, keras.layers.Dense(1)(both))
    model.compile("adam", loss="mse")
    return model


def in_two():
    return {"x": {"left": X[:, :2], "right": X[:, 2:]}, "y": Y, "validation_split": 0.25}


class OwnLoop(keras_tuner.HyperModel):
    """Trains by a loop of its own and reports nothing to Keras."""

    def build(self, hp):
        return _dense(keras.layers.Dense(hp.Int("units", 2, 8)))

    def fit(self, hp, model, x, y, validation_data, callbacks=None, **options):
        optimizer, loss = keras.optimizers.SGD(0.01), keras.losses.MeanSquaredError()
        for callback in callbacks:
            callback.set_model(model)
        for epoch in range(2):
            with tf.GradientTape() as tape:
                error = loss(y, model(x, training=True))
            gradients = tape.gradient(error, model.trainable_variables)
            optimizer.apply(gradients, model.trainable_variables)
            value = float(loss(validation_data[1], model(validation_data[0])))
            for callback in callbacks:
                callback.on_epoch_end(epoch, logs={"val_loss": value})
        return value


class NeedsMore(keras_tuner.HyperModel):
    """A class that cannot be made without arguments."""

    def __init__(self, classes):
        super().__init__()
        self.classes = classes

    def build(self, hp):
        return a_function(hp)


class WrongName(keras_tuner.HyperModel):
    """Returns a dict without the objective."""

    def build(self, hp):
        return _dense(keras.layers.Dense(hp.Int("units", 2, 8)))

    def fit(self, hp, model, **options):
        return {"something": 1.0}


def not_tunable(hp):
    """Nothing to search."""
    return _dense()


class DashNamed(keras_tuner.HyperModel):
    """Reports a metric with a dash and a space in its name."""

    def build(self, hp):
        hp.Int("units", 2, 8)
        return _dense(metrics=[keras.metrics.MeanSquaredError(name="r-mean square")])

    def fit(self, hp, model, **options):
        return model.fit(X, Y, validation_data=(X, Y), **options)


class Slow(keras_tuner.HyperModel):
    """Each batch takes a second, and an epoch twelve of them; the first trial is quick."""

    def build(self, hp):
        hp.Int("units", 2, 8)
        return _dense(keras.layers.Dense(2))

    def fit(self, hp, model, *args, callbacks=None, **kwargs):
        slow = hp.get("units") != 2

        def rows():
            for _ in range(12):
                time.sleep(1.0 if slow else 0.0)
                yield X[:4], Y[:4]

        valid = (X[VALID], Y[VALID])
        return model.fit(rows(), steps_per_epoch=12, validation_data=valid, callbacks=callbacks)
