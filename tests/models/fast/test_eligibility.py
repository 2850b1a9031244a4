"""What the fast trainer leaves to Keras' `fit`, and what it does as Keras does: small models."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers, ops

from models import ModelsError
from models.fast import TrainerUsed, fit, speed_up, why_not

ROWS = 20
RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(ROWS, 3)).astype(np.float32)
Y = (X @ np.array([1, -2, 0.5], np.float32)).reshape(-1, 1)
CLASSES = (np.arange(ROWS) % 3).astype(np.int32)
CODES = np.arange(ROWS * 4, dtype=np.int32).reshape(ROWS, 4) % 7
QUIET = {"batch_size": 8, "epochs": 2, "verbose": 0, "shuffle": False}


class Around(layers.Layer):
    """A user's layer that holds another."""

    def __init__(self, inner: layers.Layer) -> None:
        super().__init__()
        self.inner = inner

    def call(self, inputs: Any, training: bool = False) -> Any:
        return self.inner(inputs, training=training)


class Counts(layers.Layer):
    def build(self, shape: Any) -> None:
        self.seen = self.add_weight(shape=(), initializer="zeros", trainable=False)

    def call(self, inputs: Any, training: bool = False) -> Any:
        if training:
            self.seen.assign_add(1.0)
        return inputs * (1 + self.seen)


class CountsUnseen(layers.Layer):
    """Keeps its count where Keras does not look."""

    def __init__(self) -> None:
        super().__init__()
        self.seen = tf.Variable(0.0, trainable=False)

    def call(self, inputs: Any) -> Any:
        self.seen.assign_add(1.0)
        return inputs


class Notes(layers.Layer):
    def __init__(self) -> None:
        super().__init__()
        self.note = keras.metrics.Mean(name="note")

    def call(self, inputs: Any) -> Any:
        self.note.update_state(inputs)
        return inputs


class CentresInTraining(layers.Layer):
    def call(self, inputs: Any, training: bool = False) -> Any:
        return inputs - ops.mean(inputs, axis=0, keepdims=True) if training else inputs


class Drops(layers.Layer):
    def __init__(self) -> None:
        super().__init__()
        self.seeds = keras.random.SeedGenerator(1)

    def call(self, inputs: Any, training: bool = False) -> Any:
        return keras.random.dropout(inputs, 0.5, seed=self.seeds) if training else inputs


class Shakes(layers.Layer):
    def call(self, inputs: Any) -> Any:
        return inputs + tf.random.normal(tf.shape(inputs))


class Prints(layers.Layer):
    def call(self, inputs: Any) -> Any:
        tf.print("a batch", output_stream="file:///dev/null")
        return inputs


class AddsLoss(layers.Layer):
    def call(self, inputs: Any, training: bool = False) -> Any:
        if training:
            self.add_loss(ops.mean(inputs**2))
        return inputs


class Scales(layers.Layer):
    def build(self, shape: Any) -> None:
        self.scale = self.add_weight(shape=(shape[-1],), initializer="ones")

    def call(self, inputs: Any) -> Any:
        return inputs * self.scale


class HasIdleWeight(Scales):
    def build(self, shape: Any) -> None:
        super().build(shape)
        self.idle = self.add_weight(shape=(2,), initializer="ones")


class BatchMaximum(keras.metrics.Metric):
    """The mean over batches of the largest error in each."""

    def __init__(self) -> None:
        super().__init__(name="worst")
        self.total = self.add_weight(shape=(), initializer="zeros")
        self.batches = self.add_weight(shape=(), initializer="zeros")

    def update_state(self, targets: Any, predictions: Any, sample_weight: Any = None) -> None:
        self.total.assign_add(ops.max(ops.abs(targets - predictions)))
        self.batches.assign_add(1.0)

    def result(self) -> Any:
        return self.total / self.batches


class OwnEvaluate(keras.Model):
    def evaluate(self, *arguments: Any, **options: Any) -> Any:
        return {"loss": 1.0}


class OwnLosses(keras.Model):
    @property
    def losses(self) -> Any:
        return [ops.convert_to_tensor(1.0)]


class OwnTrainFunction(keras.Model):
    def make_train_function(self, force: bool = False) -> Any:
        return super().make_train_function(force)


class Called(keras.Model):
    """A subclass of keras.Model: what it computes is known when it is called."""

    def __init__(self) -> None:
        super().__init__()
        self.dense = layers.Dense(1)

    def call(self, inputs: Any) -> Any:
        return self.dense(inputs)


def _root(targets: Any, predictions: Any) -> Any:
    return ops.sqrt(ops.mean(ops.square(targets - predictions)))


def _scalar(targets: Any, predictions: Any) -> Any:
    return ops.mean(ops.square(targets - predictions))


def _model(*parts: Any, shape: tuple[Any, ...] = (3,), **compiled: Any) -> keras.Model:
    keras.utils.set_random_seed(1)
    model = keras.Sequential([keras.Input(shape), *parts, layers.Dense(1)])
    model.compile(**({"optimizer": keras.optimizers.SGD(0.02), "loss": "mse"} | compiled))
    return model


def _functional(kind: type[keras.Model]) -> keras.Model:
    inputs = keras.Input((3,))
    model = kind(inputs, layers.Dense(1)(inputs))
    model.compile("sgd", "mse")
    return model


def _compiled(model: keras.Model, loss: Any = "mse") -> keras.Model:
    model.compile("sgd", loss)
    return model


def _in_scope(strategy: tf.distribute.Strategy) -> keras.Model:
    with strategy.scope():
        return _model()


def _fixed_batch() -> keras.Model:
    inputs = keras.Input(batch_shape=(8, 3))
    return _compiled(keras.Model(inputs, layers.Dense(1)(inputs)))


def _with_own_step() -> keras.Model:
    model = _model()
    step = model.train_step
    model.train_step = lambda data: step(data)
    return model


def _compiled_ahead() -> keras.Model:
    """As `jit_compile=True` makes it, also where an earlier test made operations repeatable."""
    model = _model()
    model._jit_compile = True
    return model


def _adapted() -> keras.Model:
    model = _model(layers.Dense(4, name="adapted"))
    model.layers[0].enable_lora(2)
    return model


def _ignoring() -> keras.Model:
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=2)
    model = keras.Sequential([keras.Input((3,)), layers.Dense(3)])
    return _compiled(model, loss)


def _named_outputs() -> keras.Model:
    inputs = keras.Input((3,))
    return _compiled(keras.Model(inputs, {"score": layers.Dense(1)(inputs)}))


def _sgd(**options: Any) -> keras.optimizers.Optimizer:
    return keras.optimizers.SGD(0.02, **options)


LEFT_TO_KERAS: dict[str, tuple[Callable[[], keras.Model], str]] = {
    "inner batch normalisation": (
        lambda: _model(Around(layers.BatchNormalization())), "reads across rows"),
    "inner activity penalty": (
        lambda: _model(Around(layers.Dense(2, activity_regularizer="l2"))), "penalises activities"),
    "counter": (lambda: _model(Counts()), "change more than weights"),
    "counter of TensorFlow": (lambda: _model(CountsUnseen()), "change more than weights"),
    "spectral norm": (
        lambda: _model(layers.SpectralNormalization(layers.Dense(2))), "change more than weights"),
    "metric in a layer": (lambda: _model(Notes()), "change more than weights"),
    "own seeds": (lambda: _model(Drops()), "change more than weights"),
    "own random numbers": (lambda: _model(Shakes()), "draws random numbers"),
    "prints": (lambda: _model(Prints()), "runs code outside"),
    "centred in training": (lambda: _model(CentresInTraining()), "prediction of a row depends"),
    "softmax over rows": (lambda: _model(layers.Softmax(axis=0)), "prediction of a row depends"),
    "loss in training": (lambda: _model(AddsLoss()), "adds losses of its own"),
    "idle weight": (lambda: _model(HasIdleWeight()), "does not depend on its weight"),
    "one mask a batch": (
        lambda: _model(layers.Dropout(0.5, noise_shape=(1, 3))), "same units of every row"),
    "adapted weights": (_adapted, "weights of another kind"),
    "metric of batches": (lambda: _model(metrics=[BatchMaximum()]), "metric worst depends"),
    "metric function": (lambda: _model(metrics=[_root]), "metric _root depends"),
    "mean of means": (lambda: _model(weighted_metrics=[_scalar]), "metric _scalar depends"),
    "scalar loss": (lambda: _model(loss=_root), "adds the rows up in a way of its own"),
    "loss of no class": (_ignoring, "leaves out some rows"),
    "loss of each row": (
        lambda: _model(loss=keras.losses.MeanSquaredError(reduction="none")), "not one number"),
    "no loss": (lambda: _model(loss=None), "it has no loss"),
    "steps per execution": (lambda: _model(steps_per_execution=2), "`steps_per_execution`"),
    "compiled ahead": (_compiled_ahead, "`jit_compile`"),
    "scaled loss": (lambda: _model(optimizer=_sgd(loss_scale_factor=2.0)), "scales the loss"),
    "evaluate": (lambda: _functional(OwnEvaluate), "`evaluate` of its own"),
    "losses": (lambda: _functional(OwnLosses), "`losses` of its own"),
    "train function": (lambda: _functional(OwnTrainFunction), "`make_train_function` of its own"),
    "step of the object": (_with_own_step, "`train_step` of its own"),
    "subclass": (lambda: _compiled(Called()), "outputs are not known"),
    "built by a batch": (
        lambda: _compiled(keras.Sequential([layers.Dense(1)])), "outputs are not known"),
    "named outputs": (_named_outputs, "output is not one tensor"),
    "strategy": (
        lambda: _in_scope(tf.distribute.OneDeviceStrategy("/cpu:0")), "distribution strategy"),
    "one batch size": (_fixed_batch, "batches of one size"),
    "other numbers": (lambda: _model(layers.Dense(2, dtype="float64")), "weights are float32"),
    "not compiled": (lambda: keras.Sequential([keras.Input((3,)), layers.Dense(1)]), "compiled"),
}  # fmt: skip


@pytest.mark.parametrize("name", LEFT_TO_KERAS)
def test_what_it_would_do_otherwise_is_left_to_keras(name: str) -> None:
    make, reason = LEFT_TO_KERAS[name]
    model = make()
    before = [v.numpy().copy() for v in model.variables]
    targets = CLASSES if name == "loss of no class" else Y
    assert reason in str(why_not(model, X, targets))
    for variable, value in zip(model.variables, before, strict=False):
        assert np.array_equal(variable.numpy(), value), "asking changes nothing"


def test_a_prediction_with_a_mask_is_left_to_keras() -> None:
    masking = [layers.Embedding(7, 3, mask_zero=True), layers.LSTM(2, return_sequences=True)]
    model = _model(*masking, shape=(4,))
    assert why_not(model, CODES, np.ones((ROWS, 4, 1), np.float32)) == (
        "its loss leaves out what is masked"
    )


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"shuffle": "batch"}, "shuffles by 'batch'"),
        ({"epochs": 0}, "no number of epochs"),
        ({"batch_size": -1}, "`batch_size` is no number of rows"),
        ({"batch_size": 8.0}, "`batch_size` is no number of rows"),
        ({"validation_batch_size": 2.5}, "`validation_batch_size` is no number of rows"),
        ({"initial_epoch": None}, "is given `initial_epoch`"),
        ({"class_weight": {0: 1.0}}, "is given `class_weight`"),
        ({"validation_data": [X, Y]}, "not a pair of arrays"),
        ({"validation_data": (X, Y[:-1])}, "different numbers of rows"),
        ({"validation_data": (X, [Y])}, "not a single array"),
        ({"validation_data": (X[:0], Y[:0])}, "no rows"),
        ({"callbacks": keras.callbacks.CallbackList()}, "CallbackList"),
        ({"callbacks": [object()]}, "is not a `keras.callbacks.Callback`"),
    ],
)
def test_options_that_it_cannot_follow_are_left_to_keras(
    options: dict[str, Any], reason: str
) -> None:
    with pytest.raises(ModelsError, match="must be able to train") as caught:
        fit(_model(), X, Y, trainer="fast", **options)
    assert reason in str(caught.value)


@pytest.mark.parametrize(
    ("x", "y", "reason"),
    [
        (X, Y[:-1], "different numbers of rows"),
        ([X, X[:-1]], Y, "different numbers of rows"),
        (X, [Y], "not a single array"),
        (X, {"score": Y}, "not a single array"),
        (X.tolist(), Y, "not arrays"),
        (X, None, "not arrays"),
        (np.float32(1), Y, "not arrays"),
        (X[:0], Y[:0], "no rows"),
        (X[:, :2], Y, "a try with a few rows of the data raised ValueError"),
    ],
)
def test_data_that_it_cannot_take_are_left_to_keras(x: Any, y: Any, reason: str) -> None:
    assert reason in str(why_not(_model(), x, y))


def test_keras_tells_of_data_of_unequal_length_in_its_own_words() -> None:
    with pytest.raises(ValueError, match="cardinality is ambiguous"):
        fit(_model(), X, Y[:-1], trainer="auto", **QUIET)


def test_targets_in_a_list_train_on_every_row() -> None:
    """All rows: one step of SGD from zero moves the bias by 2 * 0.02 * the mean of `Y`."""
    model = keras.Sequential([keras.Input((3,)), layers.Dense(1, kernel_initializer="zeros")])
    model.compile(_sgd(), "mse")
    options = QUIET | {"batch_size": ROWS, "epochs": 1}
    assert fit(model, X, [Y], trainer="auto", **options).name == "keras"
    assert model.get_weights()[1] == pytest.approx(0.04 * Y.mean(), rel=1e-5)


def _line(**compiled: Any) -> keras.Model:
    """One weight, at zero, that learns that `y` is 3 wherever `x` is 1."""
    dense = layers.Dense(1, use_bias=False, kernel_initializer="zeros")
    model = keras.Sequential([keras.Input((1,)), dense])
    model.compile(**({"optimizer": keras.optimizers.SGD(0.5), "loss": "mse"} | compiled))
    return model


ONES, THREES = np.ones((6, 1), np.float32), np.full((6, 1), 3, np.float32)


@pytest.mark.parametrize("trainer", ["fast", "keras"])
def test_a_loss_has_its_weight(trainer: str) -> None:
    """A quarter of (0 - 3) ** 2 is 2.25, and half of a quarter of 2 * 3 is 0.75."""
    model = _line(loss_weights=[0.25])
    fit(model, ONES, THREES, trainer=trainer, batch_size=6, verbose=0)
    assert model.history.history["loss"] == [pytest.approx(2.25)]
    assert model.get_weights()[0][0, 0] == pytest.approx(0.75)


@pytest.mark.parametrize("trainer", ["fast", "keras"])
def test_a_users_loss_gets_numbers_as_keras_hands_them_on(trainer: str) -> None:
    """Float64 targets, for a function that cannot mix types; and `apply_gradients` of its own."""

    class Halves(keras.optimizers.SGD):
        def apply_gradients(self, pairs: Any) -> Any:
            return super().apply_gradients([(gradient / 2, weight) for gradient, weight in pairs])

    model = _line(loss=lambda y, p: tf.square(p - y), optimizer=Halves(0.5))
    fit(model, ONES.astype(float), THREES.astype(float), trainer=trainer, batch_size=6, verbose=0)
    assert model.history.history["loss"] == [pytest.approx(9)]
    assert model.get_weights()[0][0, 0] == pytest.approx(1.5)


@pytest.mark.parametrize("trainer", ["fast", "keras"])
def test_a_metric_of_several_numbers_is_logged_as_keras_logs_it(trainer: str) -> None:
    """Predictions are all of class 0: of six rows two are of each class; F1 is 2 * 2 / 8."""
    model = keras.Sequential([keras.Input((1,)), layers.Dense(3, kernel_initializer="zeros")])
    model.compile(_sgd(), "categorical_crossentropy", metrics=[keras.metrics.F1Score(name="f1")])
    model.layers[0].bias.assign([2.0, 1.0, 0.0])
    targets = np.eye(3, dtype=np.float32)[np.arange(6) % 3]
    fit(model, ONES, targets, trainer=trainer, batch_size=6, verbose=0)
    assert np.asarray(model.history.history["f1"]) == pytest.approx(np.array([[0.5, 0, 0]]))


@pytest.mark.parametrize("trainer", ["fast", "keras"])
def test_arguments_may_be_given_by_position(trainer: str) -> None:
    model, used = _line(), []
    speed_up(model, trainer, used.append)
    history = model.fit(ONES, THREES, 2, 4, 0, None, 0.0, (ONES, THREES), False)
    assert used == [TrainerUsed(trainer)]
    assert sorted(history.history) == ["loss", "val_loss"]
    assert (len(history.history["loss"]), int(model.optimizer.iterations)) == (4, 12)
    with pytest.raises(TypeError):
        model.fit(ONES, THREES, epoch=4)


@pytest.mark.parametrize("trainer", ["fast", "keras"])
def test_a_callback_needs_no_list_and_is_told_the_models_own_loss(trainer: str) -> None:
    told: list[float] = []

    class Asks(keras.callbacks.Callback):
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            told.append(float(self.model.get_metrics_result()["loss"]))

    model = _line()
    fit(model, ONES, THREES, trainer=trainer, batch_size=6, verbose=0, callbacks=Asks())
    assert told == [pytest.approx(9)]


@pytest.mark.parametrize("name", ["subclass", "built by a batch", "strategy", "counter"])
def test_keras_trains_what_is_left_to_it(name: str) -> None:
    make, reason = LEFT_TO_KERAS[name]
    model = make()
    used = fit(model, X, Y, trainer="auto", **QUIET)
    assert (used.name, reason in used.reason) == ("keras", True)
    losses = model.history.history["loss"]
    assert losses[1] < losses[0]


class OwnFit(keras.Model):
    trainings = 0

    def fit(self, x: Any, epochs: int = 1) -> Any:
        self.trainings += 1
        super().fit(x, Y, epochs=epochs, verbose=0)
        return "what the user's `fit` returns"


def test_a_fit_of_the_models_own_class_trains_once_and_returns_what_it_returns() -> None:
    model, used = _functional(OwnFit), []
    speed_up(model, "auto", used.append)
    assert model.fit(X, epochs=3) == "what the user's `fit` returns"
    assert (model.trainings, len(model.history.history["loss"])) == (1, 3)
    assert used == [TrainerUsed("keras", "it has a `fit` of its own")]


@pytest.mark.parametrize("kind", [keras.Model, OwnFit])
def test_keras_own_fit_trains_while_another_function_stands_in_its_place(
    kind: type[keras.Model], monkeypatch: pytest.MonkeyPatch
) -> None:
    used: list[str] = []

    def stands_in(model: keras.Model, x: Any, y: Any, **options: Any) -> Any:
        used.append(fit(model, x, y, trainer="auto", sample_weight=np.ones(ROWS), **options).name)
        return model.history

    monkeypatch.setattr(keras.Model, "fit", stands_in)
    model = _functional(kind)
    model.fit(X, **({"epochs": 2} if kind is OwnFit else {"y": Y, "epochs": 2, "verbose": 0}))
    assert used == ["keras"]
    assert (getattr(model, "trainings", 1), len(model.history.history["loss"])) == (1, 2)
