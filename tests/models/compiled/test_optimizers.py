"""Compiled optimizers against Keras' own on given gradients."""

from __future__ import annotations

from itertools import pairwise

import keras
import numpy as np
import pytest

from models.compiled.optimizers import State, StepNumbers, update
from models.config import OPTIMIZERS, SCHEDULES, TrainConfig
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
    theirs = [keras.Variable(start[:20], name="embeddings"), keras.Variable(start[20:], name="k")]
    stock, numbers = make_optimizer(config, STEPS), StepNumbers(config, STEPS)
    state = State(start.copy(), *(np.zeros_like(start) for _ in range(3)))
    for gradient in gradients:
        given = gradient.astype(np.float32)
        stock.apply([keras.ops.array(given[:20]), keras.ops.array(given[20:])], theirs)
        state.g[:] = given
        step = numbers.next()
        update(state, step, 3.0, 0.0, 0, 20)
        update(state, step, 1.0, 0.0, 20, 50)
        assert not state.g.any()
        expected = np.concatenate([variable.numpy() for variable in theirs])
        assert np.abs(state.p - expected).max() <= 1e-6 * np.abs(expected).max()


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
