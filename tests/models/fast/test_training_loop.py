"""The fast trainer: Keras' mathematics in chunks, masks of the right kind, and its limits."""

from __future__ import annotations

import csv
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from quickly import cases

from models import ModelConfig, ModelsError, build_model, make_deterministic
from models.fast import EpochPlan, TrainerUsed, fast_fit, fit, passes, shares, speed_up, why_not
from models.fast.dropout_masks import Masks, MasksAhead
from models.fast.gradients import GradientSum, mean_loss

ROOT = Path(__file__).resolve().parents[3]
ROWS = 203  # a prime's neighbour, so that no chunk divides it
TINY = ModelConfig(embedding_size=3, units=(6, 4), dropout=(0.0, 0.0), l2_embedding=0.01)


class Size:
    user_rows = 5
    movie_rows = 7


def _data(rows: int = ROWS, dtype: str = "float32") -> tuple[list[np.ndarray], np.ndarray]:
    rng = np.random.default_rng(0)
    movies, users = rng.integers(0, 7, (rows, 1)), rng.integers(0, 5, (rows, 1))
    scores = rng.integers(1, 11, (rows, 1)) / 2
    return [movies.astype(np.int32), users.astype(np.int32)], scores.astype(dtype)


def _model(config: ModelConfig = TINY, **compiled: Any) -> keras.Model:
    make_deterministic(3)
    model = build_model(config, Size(), seed=3)
    options: dict[str, Any] = {"optimizer": keras.optimizers.SGD(0.05), "loss": "mse"}
    model.compile(**(options | compiled))
    return model


@pytest.fixture
def double() -> Iterator[None]:
    keras.config.set_floatx("float64")
    yield
    keras.config.set_floatx("float32")


def _dense(gradient: Any) -> np.ndarray:
    return np.asarray(tf.convert_to_tensor(gradient))


@pytest.mark.usefixtures("double")
@pytest.mark.parametrize("chunk_rows", cases([7, ROWS], [1, 64, 1000]))
@pytest.mark.parametrize("share_count", cases([3], [1]))
def test_gradients_are_keras_own_made_dense_whatever_the_chunk(
    share_count: int, chunk_rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    (movies, users), scores = _data(dtype="float64")
    model = _model()
    weights = [v.value for v in model.trainable_variables]
    with tf.GradientTape() as tape:
        predictions = model([movies, users], training=True)
        loss = tf.reduce_mean(tf.square(predictions - scores)) + tf.add_n(model.losses)
    expected = [_dense(g) for g in tape.gradient(loss, weights)]

    masks = Masks(model, [movies[:2], users[:2]])
    total = GradientSum(model, mean_loss(model), masks, share_count)
    monkeypatch.setattr(shares, "CHUNK_ROWS", chunk_rows)

    @tf.function
    def run() -> Any:
        rows = ([tf.constant(movies), tf.constant(users)], tf.constant(scores), [])
        total.add(rows, share=1 / ROWS)
        return total.result()

    got_loss, got = run()
    assert float(got_loss) == pytest.approx(float(loss), rel=1e-12)
    for ours, theirs in zip(got, expected, strict=True):
        assert np.abs(np.asarray(ours) - theirs).max() <= 1e-9 * np.abs(theirs).max()


@pytest.mark.parametrize("batch_size", cases([64], [ROWS, 20]))
@pytest.mark.parametrize(("chunk_rows", "share_count"), cases([(16, 3)], [(4096, 1), (4096, 2)]))
def test_epochs_are_keras_own_where_nothing_is_drawn(
    batch_size: int, chunk_rows: int, share_count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SGD adds slices up by itself, so stock Keras takes the same steps."""
    monkeypatch.setattr(shares, "CHUNK_ROWS", chunk_rows)
    monkeypatch.setattr(passes, "BLOCK_ROWS", 100)
    monkeypatch.setattr(passes, "shares_of", lambda rows: share_count)
    _assert_keras_own(batch_size, valid_rows=50)


@pytest.mark.parametrize(
    ("chunk_rows", "batch_size", "valid_rows"),
    cases([(16, ROWS - 1, 1)], [(16, ROWS, 1), (4096, ROWS - 1, 101), (4096, ROWS, 1)]),
)
def test_a_last_batch_or_block_with_fewer_rows_than_shares_is_keras_own(
    chunk_rows: int, batch_size: int, valid_rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One row for three shares: two are empty, and the mean over no rows is no number."""
    monkeypatch.setattr(shares, "CHUNK_ROWS", chunk_rows)
    monkeypatch.setattr(passes, "BLOCK_ROWS", 100)
    monkeypatch.setattr(passes, "shares_of", lambda rows: 3)
    _assert_keras_own(batch_size, valid_rows=valid_rows)


def _assert_keras_own(batch_size: int, *, valid_rows: int) -> None:
    """Hold three epochs of the fast trainer against those of Keras' `fit`."""
    x, y = _data()
    options = {"batch_size": batch_size, "epochs": 3, "shuffle": False}
    valid = ([each[:valid_rows] for each in x], y[:valid_rows])
    ours, theirs = _model(metrics=["mae"]), _model(metrics=["mae"])
    got = fast_fit(ours, x, y, EpochPlan(**options), validation_data=valid)
    expected = theirs.fit(x, y, validation_data=valid, verbose=0, **options)
    assert got.history.keys() == expected.history.keys()
    for name, values in expected.history.items():
        assert got.history[name] == pytest.approx(values, rel=2e-5), name
    for mine, stock in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        assert np.abs(mine - stock).max() <= 2e-5 * np.abs(stock).max()


def _masks(rates: tuple[float, ...], units: int) -> Masks:
    keras.utils.set_random_seed(5)
    layers = [keras.layers.Dropout(rate, seed=number) for number, rate in enumerate(rates)]
    model = keras.Sequential([keras.Input((units,)), *layers])
    return Masks(model, np.ones((2, units), np.float32))


def test_a_mask_has_its_rate_and_mean_one_over_a_hundred_million_draws() -> None:
    masks = _masks((0.6,), 1000)
    kept = total = 0.0
    for _ in range(100):
        (mask,) = masks.draw(1000)
        values = np.asarray(mask)
        kept += np.count_nonzero(values) / 1e8
        total += float(values.sum(dtype=np.float64)) / 1e8
        assert len(np.unique(values)) == 2
    assert kept == pytest.approx(0.4, abs=1e-4)
    assert total == pytest.approx(1.0, abs=3e-4)


def test_masks_are_independent_over_units_rows_layers_and_epochs() -> None:
    masks = _masks((0.5, 0.5), 64)
    (a, b), (c, _) = [[np.array(m) for m in masks.draw(4096)] for _ in range(2)]
    pairs = {
        "units": (a[:, :-1], a[:, 1:]),
        "rows": (a[:-1], a[1:]),
        "layers": (a, b),
        "epochs": (a, c),
        "a layer's next row": (a[1:], b[:-1]),
    }
    for name, (one, other) in pairs.items():
        correlation = np.corrcoef(one.ravel(), other.ravel())[0, 1]
        assert abs(correlation) < 5 / np.sqrt(one.size), name
    assert np.corrcoef(a, rowvar=False)[~np.eye(64, dtype=bool)].max() < 5 / np.sqrt(4096)


def test_dropout_drops_in_training_and_not_in_validation() -> None:
    """A model of ones under dropout: the loss is the spread of the masks, validation has none."""
    model = keras.Sequential([keras.Input((512,)), keras.layers.Dropout(0.5, seed=1)])
    model.add(keras.layers.Dense(1, kernel_initializer="ones"))
    model.compile(optimizer=keras.optimizers.SGD(0.0), loss="mse")
    x, y = np.ones((2000, 512), np.float32), np.full((2000, 1), 512, np.float32)
    plan = EpochPlan(batch_size=2000, epochs=2)
    history = fast_fit(model, x, y, plan, validation_data=(x, y)).history
    # Each unit adds 0 or 2 evenly: the sum of 512 has a variance of 512.
    assert history["loss"] == pytest.approx([512, 512], rel=0.1)
    assert history["loss"][0] != history["loss"][1]
    assert history["val_loss"] == [0, 0]


@pytest.mark.slow
def test_masks_do_not_depend_on_chunks_and_repeat_with_the_seed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    config = ModelConfig(embedding_size=3, units=(6, 4), dropout=(0.5, 0.3))
    x, y = _data()

    def curve(chunk_rows: int) -> list[float]:
        monkeypatch.setattr(shares, "CHUNK_ROWS", chunk_rows)
        plan = EpochPlan(batch_size=ROWS, epochs=3)
        return fast_fit(_model(config), x, y, plan).history["loss"]

    assert curve(4096) == curve(4096)
    assert curve(16) == pytest.approx(curve(4096), rel=1e-5)


def test_masks_drawn_ahead_are_those_drawn_one_after_another() -> None:
    blocks = [300, 300, 17]
    one, other = _masks((0.5, 0.2), 8), _masks((0.5, 0.2), 8)
    with closing(MasksAhead.start(one, blocks)) as ahead:
        for rows in blocks + blocks:
            for got, expected in zip(ahead.take(), other.draw(rows), strict=True):
                assert got.shape == (rows, 8)
                assert np.array_equal(np.array(got), np.array(expected))


def test_rows_are_shared_out_where_an_operation_has_one_thread() -> None:
    """In a process of its own: threads are fixed before TensorFlow starts its own."""
    code = (
        "import models; from models.fast.shares import shares_of\n"
        "for fast in (True, False):\n"
        "    models.set_threads(3, fast=fast); print(*map(shares_of, (1, 2100, 10**6)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=True, cwd=ROOT,
    )  # fmt: skip
    assert done.stdout.splitlines() == ["1 2 3", "1 1 1"]


class Norm(keras.layers.Layer):
    """Reads across rows, and says so nowhere."""

    def call(self, inputs: Any) -> Any:
        return inputs - keras.ops.mean(inputs, axis=0, keepdims=True)


class OwnStep(keras.Model):
    def train_step(self, data: Any) -> Any:
        return super().train_step(data)


def _across_rows(targets: Any, predictions: Any) -> Any:
    return keras.ops.square(predictions - keras.ops.max(predictions))


def _dense_model(*layers: keras.layers.Layer, **compiled: Any) -> keras.Model:
    model = keras.Sequential([keras.Input((3,)), *layers, keras.layers.Dense(1)])
    model.compile(**({"optimizer": "sgd", "loss": "mse"} | compiled))
    return model


def _own_step() -> keras.Model:
    inputs = keras.Input((3,))
    model = OwnStep(inputs, keras.layers.Dense(1)(inputs))
    model.compile(optimizer="sgd", loss="mse")
    return model


class HearsBatches(keras.callbacks.Callback):
    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Hear nothing in particular."""


class HearsTests(keras.callbacks.Callback):
    def on_test_batch_end(self, batch: int, logs: Any = None) -> None:
        """Hear nothing in particular."""


def _lambda() -> keras.callbacks.Callback:
    return keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: None)


def _checkpoint(every: Any) -> keras.callbacks.Callback:
    path = f"{tempfile.mkdtemp()}/model.keras"
    return keras.callbacks.ModelCheckpoint(path, save_freq=every)


UNFIT: dict[str, Callable[[], keras.Model]] = {
    "reads across rows": lambda: _dense_model(keras.layers.BatchNormalization()),
    "prediction of a row depends": lambda: _dense_model(Norm()),
    "loss of a row depends on": lambda: _dense_model(loss=_across_rows),
    "penalises activities": lambda: _dense_model(keras.layers.Dense(2, activity_regularizer="l2")),
    "`train_step` of its own": _own_step,
    "runs eagerly": lambda: _dense_model(run_eagerly=True),
    "loss of a row depends": lambda: _dense_model(
        loss=keras.losses.MeanSquaredError(reduction="sum")
    ),
}


@pytest.mark.parametrize("reason", UNFIT)
def test_what_cannot_be_added_up_is_left_to_keras(reason: str) -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(20, 3)).astype(np.float32), np.ones((20, 1), np.float32)
    model = UNFIT[reason]()
    assert reason in str(why_not(model, x, y))
    options = {"batch_size": 20, "epochs": 1, "verbose": 0}
    used = fit(model, x, y, trainer="auto", **options)
    assert used.name == "keras"
    assert reason in str(used)
    with pytest.raises(ModelsError, match="Use the trainer `auto` or `keras`") as caught:
        fit(model, x, y, trainer="fast", **options)
    assert "\n" not in str(caught.value)


@pytest.mark.filterwarnings("ignore:__array__ implementation")  # Keras' own, when it saves
@pytest.mark.parametrize(
    ("options", "trainer"),
    [
        ({}, "fast"),
        ({"validation_split": 0.2}, "keras"),
        ({"sample_weight": np.ones(20)}, "keras"),
        ({"initial_epoch": 1, "epochs": 3}, "keras"),
        ({"callbacks": [keras.callbacks.EarlyStopping("loss", patience=1)]}, "fast"),
        ({"callbacks": [HearsBatches()]}, "keras"),
        ({"callbacks": [HearsBatches()], "batch_size": 20}, "fast"),
        ({"callbacks": [HearsTests()], "batch_size": 20}, "keras"),
        ({"callbacks": [_lambda()]}, "keras"),
        ({"callbacks": [_lambda()], "batch_size": 20}, "fast"),
        ({"callbacks": [keras.callbacks.TerminateOnNaN()]}, "keras"),
        ({"callbacks": [_checkpoint("epoch")]}, "fast"),
        ({"callbacks": [_checkpoint(2)]}, "keras"),
        ({"callbacks": [keras.callbacks.BackupAndRestore(tempfile.mkdtemp())]}, "keras"),
        ({"batch_size": 64}, "fast"),
    ],
)
def test_a_users_fit_goes_to_the_trainer_that_can_do_it(
    options: dict[str, Any], trainer: str
) -> None:
    x, y = np.ones((20, 3), np.float32), np.ones((20,), np.float32)
    model = _dense_model()
    chosen: list[TrainerUsed] = []
    speed_up(model, "auto", chosen.append)
    history = model.fit(x, y, **({"epochs": 2, "batch_size": 8, "verbose": 0} | options))
    assert [used.name for used in chosen] == [trainer]
    assert bool(chosen[0].reason) == (trainer == "keras")
    assert history.history["loss"][1] < history.history["loss"][0]


@pytest.mark.parametrize("batch_size", cases([64], [ROWS]))
@pytest.mark.parametrize("trainer", ["fast", "keras"])
def test_callbacks_work_the_same_with_both_trainers(
    trainer: str, batch_size: int, tmp_path: Path
) -> None:
    x, y = _data()
    heard: list[str] = []

    class Hears(keras.callbacks.Callback):
        def on_train_begin(self, logs: Any = None) -> None:
            heard.append("begin")

        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            heard.append(f"epoch {epoch} of {self.params['epochs']}")
            self.model.optimizer.learning_rate = 0.05 / 2 ** (epoch + 1)

        def on_test_begin(self, logs: Any = None) -> None:
            heard.append("test")

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            heard.append(",".join(logs))
            if epoch == 2:
                self.model.stop_training = True

        def on_train_end(self, logs: Any = None) -> None:
            heard.append("end")

    model = _model(metrics=["mae"])
    table = keras.callbacks.CSVLogger(str(tmp_path / "log.csv"))
    used = fit(
        model, x, y, trainer=trainer, batch_size=batch_size, epochs=9, verbose=0, shuffle=False,
        validation_data=(x, y), callbacks=[Hears(), table],
    )  # fmt: skip
    assert used == TrainerUsed(trainer)
    epoch = "loss,mae,val_loss,val_mae"
    told = [f"epoch {n} of 9" for n in range(3)]
    assert heard[:4] == ["begin", told[0], "test", epoch]
    assert heard[4:] == [told[1], "test", epoch, told[2], "test", epoch, "end"]
    assert float(model.optimizer.learning_rate) == pytest.approx(0.05 / 8)  # as the callback told
    rows = list(csv.DictReader((tmp_path / "log.csv").read_text().splitlines()))
    assert [row["epoch"] for row in rows] == ["0", "1", "2"]
    assert float(rows[2]["loss"]) < float(rows[0]["loss"])


@pytest.mark.parametrize("trainer", ["fast", "keras"])
def test_early_stopping_restores_the_best_weights(trainer: str) -> None:
    x, y = _data()
    stop = keras.callbacks.EarlyStopping(
        "val_loss", patience=2, min_delta=0.05, mode="min", restore_best_weights=True
    )
    model = _model(optimizer=keras.optimizers.SGD(0.6))
    fit(
        model, x, y, trainer=trainer, batch_size=ROWS, epochs=30, verbose=0, shuffle=False,
        validation_data=(x, y), callbacks=[stop],
    )  # fmt: skip
    curve = model.history.history["val_loss"]
    assert len(curve) < 30
    assert model.evaluate(x, y, verbose=0, batch_size=ROWS) == pytest.approx(curve[-3], rel=1e-4)


@pytest.mark.filterwarnings("ignore:__array__ implementation")  # Keras' own, when it saves
@pytest.mark.slow
@pytest.mark.parametrize("batch_size", [64, ROWS])
def test_callbacks_of_keras_do_the_same_with_both_trainers(batch_size: int, tmp_path: Path) -> None:
    """A step size by schedule, one by plateau and a saved model: the same curve and weights."""
    x, y = _data()
    curves, rates, saved = [], [], []
    for trainer in ("fast", "keras"):
        path = tmp_path / f"{trainer}.keras"
        plateau = keras.callbacks.ReduceLROnPlateau(
            "val_loss", factor=0.25, patience=1, min_delta=10.0, min_lr=1e-4
        )
        checkpoint = keras.callbacks.ModelCheckpoint(path, "val_loss", save_best_only=True)
        by_schedule = keras.callbacks.LearningRateScheduler(lambda epoch, rate: 0.5 * rate)
        model = _model(optimizer=keras.optimizers.SGD(0.2))
        fit(
            model, x, y, trainer=trainer, batch_size=batch_size, epochs=5, verbose=0,
            shuffle=False, validation_data=(x, y), callbacks=[by_schedule, plateau, checkpoint],
        )  # fmt: skip
        curves.append(model.history.history["val_loss"])
        rates.append(model.history.history["learning_rate"])
        saved.append(keras.saving.load_model(path, compile=False).get_weights())
    # halved before every epoch; a quarter of it after the second and each later one
    assert rates[0] == pytest.approx([0.1, 0.05, 0.05 / 8, 0.05 / 64, 0.05 / 512], rel=1e-6)
    assert rates[1] == pytest.approx(rates[0], rel=1e-6)
    assert curves[0] == pytest.approx(curves[1], rel=1e-4)
    for ours, theirs in zip(*saved, strict=True):
        assert np.abs(ours - theirs).max() <= 1e-4 * np.abs(theirs).max()


@pytest.mark.slow
def test_two_threads_repeat_to_the_bit() -> None:
    """Shares of rows run at once, dropout and small batches on: only a process of its own can."""
    code = """
import hashlib, numpy as np, models
from models.data import load_ratings, split_ratings
models.set_threads(2, fast=True)
split = split_ratings(load_ratings("synthetic:0.002"), "random", seed=1)
assert len(split.train) > 4096, len(split.train)
for size in ("full", 3000):
    models.make_deterministic(7)
    config, recipe = models.baseline()
    model = models.build_for(split, config, seed=7)
    recipe = models.TrainConfig(epochs=2, batch_size=size, seed=7, trainer="fast")
    result = models.train(model, split, recipe)
    assert result.trainer.name == "fast"
    weights = b"".join(w.tobytes() for w in model.get_weights())
    print(hashlib.sha256(weights).hexdigest(), result.best_val_rmse)
"""
    runs = [
        subprocess.run(
            [sys.executable, "-c", code],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=True, cwd=ROOT,
        ).stdout.splitlines()
        for _ in range(2)
    ]  # fmt: skip
    assert len(runs[0]) == 2
    assert runs[0] == runs[1]
