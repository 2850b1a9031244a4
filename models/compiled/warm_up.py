"""Compiles all functions, or loads them from the cache, before anyone waits for them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from models.compiled.cache import note_made
from models.compiled.counters import key_of, shuffle
from models.compiled.initial import initial_weights
from models.compiled.origin import Origin
from models.compiled.plan import plan_of
from models.compiled.space import Rows
from models.compiled.stepping.hands import Hands
from models.compiled.stepping.optimizers import State, StepNumbers
from models.compiled.stepping.passes import LARGE
from models.compiled.training import Training, predict
from models.compiled.weights import layouts
from models.config import ModelConfig, TrainConfig

_PLAIN = ModelConfig(family="neumf", embedding_size=8, units=(1,), dropout=(0.0,))
_PENALISED = replace(_PLAIN, l2_embedding=1e-3)
_TRAININGS = (
    (_PENALISED, "adam"),
    (_PLAIN, "lazy_adam"),
    (_PENALISED, "rowwise_adagrad"),
    (ModelConfig(family="gmf", factors=8), "plain_sgd"),
)
"""Together they call every function: tables moved whole, by row, whole by row; a row a step."""


def warm_up() -> None:
    """Train small networks on one row, so that every function is compiled.

    From the cache this takes some tenths of a second, else about 15 seconds of one core.
    """
    rows = Rows(np.zeros(1, np.int32), np.zeros(1, np.int32), np.ones(1, np.float32))
    order, key = np.zeros(1, np.int64), key_of(0, 0, 0)
    shuffle(order, key)
    with Hands.of(1) as hands:
        for config, optimizer in _TRAININGS:
            plan = plan_of(origin := Origin(config, 1, 1, None))
            p = initial_weights(origin, train_mean=None, seed=0)
            state = State(p, *(np.zeros(plan.size, np.float32) for _ in range(3)))
            recipe = TrainConfig(optimizer=optimizer)
            both, numbers = layouts(plan, config, recipe), StepNumbers(recipe, 2)
            training = Training(plan, state, both, numbers, hands)
            for size in (1, LARGE):
                training.epoch(rows, order, size, key)
        predict(plan, state.p, rows, hands)
    note_made()
