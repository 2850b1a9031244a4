"""Rows that missed steps take them beside other rows: the bits and the penalties of one by one."""

from __future__ import annotations

import numpy as np
import pytest
from quickly import cases

from models import TrainConfig
from models.compiled.stepping.hands import Hands
from models.compiled.stepping.moving import update_rows
from models.compiled.stepping.optimizers import State, Step, StepNumbers
from models.compiled.stepping.tables import Numbers, Tables, finish_rows
from models.config import OPTIMIZERS

STEPS, L2, TIMES = 1_300, 1e-3, 2.0
LAST = [-1, 1_299, 700, 5, 1_298, -1, 640, 3, 90]  # the last step that each id has taken
"""Of nine ids, four of which are rows of the first table and five of the second."""


def _tables(width: int, l2: float) -> Tables:
    ids = {name: np.zeros(len(LAST), np.int64) for name in ("seen", "since")}
    return Tables(
        place=np.array([8, 8 + 4 * width], np.int64), width=np.full(2, width, np.int64),
        first=np.array([0, 4], np.int64), end=np.array([4, 9], np.int64),
        l2=np.array([0.0, l2]), times=np.full(2, TIMES), waits=np.ones(2, np.int64),
        last=np.array(LAST, np.int64), **ids,
    )  # fmt: skip


def _state(width: int) -> State:
    """Weights and moments of all rows, without gradients."""
    rng, count = np.random.default_rng(5), 8 + len(LAST) * width + 3
    p, m, v = (rng.normal(size=count).astype(np.float32) for _ in range(3))
    return State(p, np.zeros(count, np.float32), m * np.float32(0.01), v * v)


@pytest.mark.parametrize("width", cases([40, 9], [1, 16, 33]))
@pytest.mark.parametrize("l2", [0.0, L2])
@pytest.mark.parametrize(
    "optimizer", cases(["adam"], [each for each in OPTIMIZERS if each != "adam"])
)
def test_missed_steps_are_those_taken_one_by_one(optimizer: str, l2: float, width: int) -> None:
    config = TrainConfig(optimizer=optimizer, learning_rate=1e-3, schedule="cosine")
    steps = StepNumbers(config, STEPS).take(STEPS)
    sizes = np.full(STEPS, 256.0)
    sizes[-1] = 7
    tables, late, now = _tables(width, l2), _state(width), _state(width)
    numbers = Numbers(steps, sizes, np.zeros(STEPS), np.zeros(1))
    with Hands.of(1) as hands:
        hands.run([lambda: finish_rows(late, tables, numbers, 0, len(LAST))])
        paid = sum(
            hands.run([lambda n=n: _one_by_one(now, steps, sizes, n, width, l2)])[0]
            for n in range(len(LAST))
        )
    for one, other in zip(late, now, strict=True):
        if optimizer == "rowwise_adagrad":  # adds up a row's squares in an order of the compiler's
            assert one == pytest.approx(other, rel=1e-5)
        else:
            assert one.tobytes() == other.tobytes()
    found = float(numbers.paid[0]) + float(numbers.penalties @ sizes)
    assert found == pytest.approx(paid, rel=1e-5)
    assert (paid > 0) == (l2 > 0)
    assert list(tables.last) == [-1] * len(LAST)


def _one_by_one(
    state: State, steps: np.ndarray, sizes: np.ndarray, own: int, width: int, l2: float
) -> float:
    """Move an id's row by each step that it has missed; return what it paid."""
    begin, paid, l2 = 8 + own * width, 0.0, l2 * (own >= 4)
    for n in range(LAST[own] + 1, STEPS):
        row = state.p[begin : begin + width].astype(np.float64)
        paid += sizes[n] * l2 * float(row @ row)
        step = Step(int(steps[n, 0]), *steps[n, 1:].tolist())
        update_rows(state, step, (TIMES, l2), width, begin, begin + width)
    return paid
