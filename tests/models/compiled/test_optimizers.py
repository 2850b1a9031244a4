"""Compiled optimizers against Keras' own on given gradients."""

from __future__ import annotations

from itertools import pairwise

import keras
import numpy as np
import pytest
import tensorflow as tf

from models.compiled.stepping.moving import update, update_rows
from models.compiled.stepping.optimizers import State, StepNumbers
from models.config import OPTIMIZERS, ROW_OPTIMIZERS, SCHEDULES, TrainConfig
from models.optimizers import make_optimizer

STEPS = 6


def _config(optimizer: str, schedule: str) -> TrainConfig:
    return TrainConfig(
        optimizer=optimizer, schedule=schedule, learning_rate=0.02, embedding_rate=3.0,
        final_rate=0.1,
    )  # fmt: skip


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_steps_are_keras_own(optimizer: str, schedule: str) -> None:
    rng = np.random.default_rng(1)
    start = rng.normal(0, 1, 50).astype(np.float32)
    gradients = [(rng.normal(0, 1, 50) * 10.0 ** rng.integers(-6, 3, 50)) for _ in range(STEPS)]
    gradients[2][:] = 0
    config = _config(optimizer, schedule)
    theirs = [
        keras.Variable(start[:20].reshape(4, 5), name="embeddings"),
        keras.Variable(start[20:], name="k"),
    ]
    stock, numbers = make_optimizer(config, STEPS), StepNumbers(config, STEPS)
    state = State(start.copy(), *(np.zeros_like(start) for _ in range(3)))
    for gradient in gradients:
        given = gradient.astype(np.float32)
        parts = given[:20].reshape(4, 5), given[20:]
        stock.apply([keras.ops.array(part) for part in parts], theirs)
        state.g[:] = given
        step = numbers.next()
        update_rows(state, step, (3.0, 0.0), 5, 0, 20)
        update(state, step, 1.0, 0.0, 20, 50)
        assert not state.g.any()
        expected = np.concatenate([variable.numpy().ravel() for variable in theirs])
        assert np.abs(state.p - expected).max() <= 1e-6 * np.abs(expected).max()


@pytest.mark.parametrize("optimizer", ROW_OPTIMIZERS)
def test_rows_without_a_gradient_stand_still(optimizer: str) -> None:
    """A row that two slices share steps once by their sum, as one with that sum does."""
    rng = np.random.default_rng(4)
    start, config = rng.normal(0, 1, (5, 3)).astype(np.float32), _config(optimizer, "cosine")
    slices, summed = (keras.Variable(start, name="embeddings") for _ in range(2))
    one, other = make_optimizer(config, STEPS), make_optimizer(config, STEPS)
    for _ in range(STEPS):
        values = rng.normal(0, 1, (3, 3)).astype(np.float32)
        for made, variable, which, given in (
            (one, slices, [3, 1, 3], values),
            (other, summed, [1, 3], np.stack([values[1], values[0] + values[2]])),
        ):
            gradient = tf.IndexedSlices(tf.constant(given), tf.constant(which), (5, 3))
            made.apply([gradient], [variable])
    assert np.allclose(slices.numpy(), summed.numpy(), rtol=1e-5)
    assert (slices.numpy()[[0, 2, 4]] == start[[0, 2, 4]]).all()
    assert (slices.numpy()[[1, 3]] != start[[1, 3]]).all()


def test_the_first_step_of_row_wise_adagrad_is_the_learning_rate_over_the_root_mean_square() -> (
    None
):
    """A gradient of 3 and 4: their mean square is 12.5. A second one doubles the sum."""
    table = keras.Variable(np.zeros((2, 2), np.float32), name="embeddings")
    made = make_optimizer(TrainConfig(optimizer="rowwise_adagrad", learning_rate=0.1), 1)
    gradient = tf.IndexedSlices(tf.constant([[3.0, 4.0]]), tf.constant([1]), (2, 2))
    made.apply([gradient], [table])
    first = 0.1 * np.array([3.0, 4.0]) / np.sqrt(12.5)
    assert table.numpy()[1].tolist() == pytest.approx((-first).tolist())
    made.apply([gradient], [table])
    both = first + 0.1 * np.array([3.0, 4.0]) / np.sqrt(25)
    assert table.numpy()[1].tolist() == pytest.approx((-both).tolist())


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_a_penalty_is_part_of_the_gradient_and_returned_as_it_was_before(optimizer: str) -> None:
    config, start = _config(optimizer, "constant"), np.array([1.0, -2.0, 0.5], np.float32)
    given = np.array([0.1, 0.2, -0.3], np.float32)
    with_penalty, without = (
        State(start.copy(), given.copy(), np.zeros(3, np.float32), np.zeros(3, np.float32))
        for _ in range(2)
    )
    without.g[:] += 2 * 0.1 * start
    step = StepNumbers(config, 1).next()
    assert update(with_penalty, step, 1.0, 0.1, 0, 3) == pytest.approx(1 + 4 + 0.25)
    assert update(without, step, 1.0, 0.0, 0, 3) == 0
    assert with_penalty.p.tolist() == pytest.approx(without.p.tolist(), rel=1e-6)


def test_parts_of_a_pass_make_the_same_bits() -> None:
    rng = np.random.default_rng(2)
    p, g = (rng.normal(0, 1, 1000).astype(np.float32) for _ in range(2))
    step = StepNumbers(TrainConfig(), 1).next()
    found = []
    for edges in ([0, 1000], [0, 1, 17, 512, 999, 1000]):
        state = State(p.copy(), g.copy(), np.zeros_like(p), np.zeros_like(p))
        for begin, end in pairwise(edges):
            update(state, step, 1.0, 0.0, begin, end)
        found.append(state.p.tobytes())
    assert found[0] == found[1]
