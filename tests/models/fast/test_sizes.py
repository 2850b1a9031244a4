"""Memory is bounded by bytes, and neither masks nor results depend on it."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

from models.fast import EpochPlan, fast_fit, passes, sizes
from models.fast.dropout_masks import Masks
from models.fast.passes import TrainPass
from models.fast.sizes import RowBytes, bytes_of_row, rows_of_block, rows_of_chunk

KIB = 2**10


def test_rows_of_a_rating_model_are_taken_by_the_number() -> None:
    assert rows_of_block(5 * KIB, 65_536) == 65_536
    assert rows_of_chunk(24 * KIB, 4_096) == 4_096


def test_of_wider_rows_as_many_are_taken_as_sixteen_mebibytes_hold() -> None:
    assert rows_of_block(64 * KIB, 65_536) == 256  # 16,384 dropped units of 4 bytes
    assert rows_of_block(100 * KIB, 65_536) == 160  # of 163, the next multiple of 4
    assert rows_of_block(2**30, 65_536) == 4
    assert rows_of_chunk(128 * KIB, 4_096) == 128
    assert rows_of_chunk(2**30, 4_096) == 1


def test_a_row_takes_what_the_layers_of_a_model_return_for_it() -> None:
    """Twice 4 bytes for each of 5 + 2 units; two of them are the output's."""
    layers = [keras.layers.Dense(5), keras.layers.Dense(2)]
    model = keras.Sequential([keras.Input((3,)), *layers])
    x = np.ones((7, 3), np.float32)
    assert RowBytes.of(model, keras.ops.convert_to_tensor(x)) == RowBytes(2 * 4 * (5 + 2), 2 * 4)
    assert bytes_of_row(keras.ops.convert_to_tensor(x)) == 12


class _Pairs(keras.layers.Layer):
    """Computes far more than it returns: all products of two of a row's numbers."""

    def call(self, x: Any) -> Any:
        products = keras.ops.expand_dims(x, 1) * keras.ops.expand_dims(x, 2)
        return keras.ops.mean(keras.ops.relu(products), axis=2)


def _by_operations() -> keras.Model:
    x = keras.Input((100,))
    products = keras.ops.expand_dims(x, 1) * keras.ops.expand_dims(x, 2)
    return keras.Model(x, keras.ops.mean(keras.ops.relu(products), axis=2))


@pytest.mark.parametrize("kind", ["layer", "operations"])
def test_what_is_computed_on_the_way_counts_too(kind: str) -> None:
    """Products and their ReLU, 100 x 100 numbers each, and the mean of 100."""
    model = _by_operations() if kind == "operations" else keras.Sequential([_Pairs()])
    x = np.zeros((8, 100), "float32")
    model(x)
    assert RowBytes.of(model, keras.ops.convert_to_tensor(x)).layers == 4 * (2 * 100 * 100 + 100)


def test_numbers_inside_a_loop_count_too() -> None:
    class Loops(keras.layers.Layer):
        def call(self, x: Any) -> Any:
            def body(step: Any, total: Any) -> Any:
                wide = keras.ops.tile(keras.ops.expand_dims(total, 2), (1, 1, 500))
                return step + 1, keras.ops.mean(keras.ops.relu(wide), axis=2)

            return keras.ops.while_loop(lambda step, _: step < 3, body, (0, x))[1]

    model = keras.Sequential([Loops()])
    x = np.zeros((8, 10), "float32")
    model(x)
    assert RowBytes.of(model, keras.ops.convert_to_tensor(x)).layers >= 4 * 2 * 10 * 500


def _dropping() -> keras.Model:
    keras.utils.set_random_seed(3)
    layers = [keras.layers.Dense(6), keras.layers.Dropout(0.5, seed=1), keras.layers.Dense(1)]
    model = keras.Sequential([keras.Input((3,)), *layers])
    model.compile(keras.optimizers.SGD(0.05), "mse", metrics=["mae"])
    return model


X = np.random.default_rng(0).normal(size=(50, 3)).astype(np.float32)
Y = X.sum(axis=1, keepdims=True)


def _curves(batch_size: int) -> dict[str, Any]:
    model = _dropping()
    np.random.seed(0)
    plan = EpochPlan(batch_size=batch_size, epochs=2)
    history = fast_fit(model, X, Y, plan, validation_data=(X, Y)).history
    return {**history, "weights": np.concatenate([w.ravel() for w in model.get_weights()])}


@pytest.mark.parametrize("batch_size", [50, 40])
def test_wide_rows_in_small_blocks_see_the_same_masks(
    batch_size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A batch in parts, and batches in parts, take the same steps as whole ones."""
    whole = _curves(batch_size)
    # 12 bytes of inputs, 4 of targets, 4 of predictions and 24 of masks a row: 12 rows a block
    monkeypatch.setattr(sizes, "_BLOCK_ROW", 0)
    monkeypatch.setattr(sizes, "_BLOCK_BYTES", 12 * 44)
    monkeypatch.setattr(sizes, "_CHUNK_ROW", 0)
    monkeypatch.setattr(sizes, "_CHUNK_BYTES", 5 * 2 * 4 * (6 + 6 + 1))
    for name, values in _curves(batch_size).items():
        assert values == pytest.approx(whole[name], rel=1e-4, abs=1e-6), name


@pytest.mark.parametrize(
    ("batch_size", "blocks"),
    [
        (8, [8, 8, 8, 8, 8, 8, 2]),
        (20, [12, 8, 12, 8, 10]),
        (50, [12, 12, 12, 12, 2]),
    ],
)
def test_blocks_of_wide_rows_are_batches_or_parts_of_them(
    batch_size: int, blocks: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sizes, "_BLOCK_ROW", 0)
    monkeypatch.setattr(sizes, "_BLOCK_BYTES", 12 * 44)
    model = _dropping()
    train = TrainPass(
        model, model._compile_loss, (X, Y), batch_size=batch_size, sizes=RowBytes(0, 4)
    )
    train.close()
    assert [last - first for first, last in train._blocks] == blocks


def test_narrow_rows_keep_their_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passes, "BLOCK_ROWS", 20)
    model = _dropping()
    train = TrainPass(model, model._compile_loss, (X, Y), batch_size=8, sizes=RowBytes(0, 4))
    train.close()
    assert [last - first for first, last in train._blocks] == [16, 16, 16, 2]


def test_a_rate_that_changes_while_a_model_trains_drops_what_it_dropped() -> None:
    """As under Keras' compiled `fit`, whose graph holds the rate that it began with."""
    model = _dropping()
    masks = Masks(model, X[:2])
    model.layers[1].rate = 0.9
    (mask,) = masks.draw(4_000)
    assert float(np.mean(np.asarray(mask) > 0)) == pytest.approx(0.5, abs=0.02)
