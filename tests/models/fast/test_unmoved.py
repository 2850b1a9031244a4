"""State that a loss or a metric reaches is as before, after a try with a few rows."""

from __future__ import annotations

import random
from functools import partial
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from models.fast import why_not
from models.fast.unmoved import unmoved

SEEDS = keras.random.SeedGenerator(5)
X = np.random.default_rng(0).normal(size=(20, 3)).astype(np.float32)
Y = X[:, :1]


def _noisy_by_name(y: Any, predicted: Any) -> Any:
    noise = keras.random.normal((1,), seed=SEEDS)
    return keras.ops.mean((y - predicted) ** 2, axis=-1) + noise


def _noisy_by_closure(seeds: keras.random.SeedGenerator) -> Any:
    def loss(y: Any, predicted: Any) -> Any:
        return _scattered(y, predicted, seeds)

    return loss


def _scattered(y: Any, predicted: Any, seeds: keras.random.SeedGenerator) -> Any:
    noise = keras.random.normal((1,), seed=seeds)
    return keras.ops.mean((y - predicted) ** 2, axis=-1) + noise


class _Noisy(keras.losses.Loss):
    def __init__(self, seeds: keras.random.SeedGenerator) -> None:
        super().__init__()
        self.seeds = [seeds]

    def call(self, y: Any, predicted: Any) -> Any:
        return _scattered(y, predicted, self.seeds[0])


LOSSES = {
    "a global name": _noisy_by_name,
    "a closure": _noisy_by_closure(SEEDS),
    "an attribute": _Noisy(SEEDS),
    "a keyword": partial(_scattered, seeds=SEEDS),
}


@pytest.mark.parametrize("where", LOSSES)
def test_a_refused_loss_has_its_seeds_as_before(where: str) -> None:
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    model.compile("sgd", LOSSES[where])
    before = SEEDS.state.numpy().tolist()
    assert why_not(model, X, Y) is not None
    assert SEEDS.state.numpy().tolist() == before


def test_nor_are_the_seeds_of_the_process_moved() -> None:
    keras.utils.set_random_seed(3)
    keras.random.normal((1,))
    expected = (keras.random.normal((1,)), np.random.rand(), random.random())
    keras.utils.set_random_seed(3)
    keras.random.normal((1,))
    with unmoved():
        keras.random.normal((1,))
        np.random.rand()
        random.random()
    got = (keras.random.normal((1,)), np.random.rand(), random.random())
    assert [float(np.squeeze(v)) for v in got] == [float(np.squeeze(v)) for v in expected]


@pytest.mark.parametrize(
    ("state", "step", "read"),
    [
        (tf.Variable(1.0), lambda v: v.assign_add(1.0), float),
        (np.random.default_rng(0), lambda g: g.random(), lambda g: str(g.bit_generator.state)),
        (np.random.RandomState(0), lambda g: g.rand(), lambda g: str(g.get_state())),
        (random.Random(0), lambda g: g.random(), lambda g: str(g.getstate())),
    ],
)
def test_each_kind_of_state_is_put_back(state: Any, step: Any, read: Any) -> None:
    before = read(state)
    with unmoved({"deep": [(state,)]}):
        step(state)
        assert read(state) != before
    assert read(state) == before
