"""Rows of tables moved one by one: Keras' steps, the bits of a pass over all, and penalties."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import pytest
from quickly import cases

from models import ModelConfig, TrainConfig, build_for, compile_model, make_deterministic, train
from models.compiled.counters import key_of
from models.compiled.fit import rows_of
from models.compiled.origin import origin_of
from models.compiled.plan import plan_of
from models.compiled.stepping.hands import Hands
from models.compiled.stepping.optimizers import State, StepNumbers
from models.compiled.stepping.passes import LARGE
from models.compiled.training import Training
from models.compiled.weights import flat_weights, layouts, put_back, tensors
from models.config import OPTIMIZERS, ROW_OPTIMIZERS
from models.data import Part, Split, load_ratings, split_ratings

BOTH = ModelConfig(
    family="neumf", embedding_size=8, movie_embedding_size=3, factors=9, units=(12,),
    dropout=(0.0,), l2_kernel=1e-3, output_bias=3.0,
)  # fmt: skip
PENALTIES = {
    "none": BOTH,
    "table": replace(BOTH, l2_embedding=1e-2, l2_bias=1e-3),
    "rating": replace(BOTH, l2_rating=0.05),
}
EPOCHS, ROWS, SIZE = 2, 230, 50
_QUICK = [("lazy_adam", "rating"), ("adam", "table")]


@pytest.fixture(scope="module")
def split() -> Split:
    whole = split_ratings(load_ratings("synthetic:0.002"), "random", seed=1)
    part = whole.train
    first = Part(*(c[:ROWS] for c in (part.users, part.movies, part.scores, part.rows)))
    return replace(whole, train=first)


def _training(optimizer: str, size: int | str = SIZE) -> TrainConfig:
    return TrainConfig(
        optimizer=optimizer, learning_rate=0.02, embedding_rate=2.0, schedule="cosine",
        batch_size=size, epochs=EPOCHS, seed=3,
    )  # fmt: skip


def _start(split: Split, config: ModelConfig):
    make_deterministic(3)
    return build_for(split, config, seed=3)


def _orders(rows: int) -> list[np.ndarray]:
    rng = np.random.default_rng(7)
    return [rng.permutation(rows) for _ in range(EPOCHS)]


def _ours(
    split: Split,
    config: ModelConfig,
    training: TrainConfig,
    *,
    apart: bool = True,
    threads: int = 2,
) -> tuple[list[float], np.ndarray, list[np.ndarray]]:
    """Losses of the epochs, the flat weights, and Keras' weights."""
    model = _start(split, config)
    origin = origin_of(model)
    plan = plan_of(origin)
    every = tensors(plan, config)
    p = flat_weights(model, every, plan.size)
    state = State(p, *(np.zeros_like(p) for _ in range(3)))
    both = layouts(plan, config, training)
    if not apart:  # everything in passes over all weights, as on large batches
        both = both[1], both[1]
    rows, size = rows_of(split.train), int(training.batch_size)
    numbers = StepNumbers(training, EPOCHS * -(-ROWS // size))
    with Hands.of(threads) as hands:
        made = Training(plan, state, both, numbers, hands)
        losses = [made.epoch(rows, o, size, key_of(3, 1, 0)).loss for o in _orders(ROWS)]
    put_back(model, every, p)
    return losses, p, model.get_weights()


@pytest.mark.parametrize(
    ("optimizer", "penalty"),
    cases(
        _QUICK,
        [pair for pair in product(OPTIMIZERS, PENALTIES) if pair not in _QUICK],
    ),
)
def test_steps_on_small_batches_are_keras_own(split: Split, optimizer: str, penalty: str) -> None:
    config, training = PENALTIES[penalty], _training(optimizer)
    losses, _, mine = _ours(split, config, training)
    model, part = _start(split, config), split.train
    compile_model(model, training, EPOCHS * -(-ROWS // SIZE))
    before, theirs = model.get_weights(), []
    for order in _orders(ROWS):
        total = 0.0
        for begin in range(0, ROWS, SIZE):
            some = order[begin : begin + SIZE]
            model.reset_metrics()
            inputs = [part.movies[some][:, None], part.users[some][:, None]]
            total += len(some) * model.train_on_batch(inputs, part.scores[some][:, None])[0]
        theirs.append(total / ROWS)
    assert losses == pytest.approx(theirs, rel=1e-4)
    for ours, stock, first in zip(mine, model.get_weights(), before, strict=True):
        assert (ours != first).any()
        assert np.abs(ours - stock).max() <= 1e-3 * np.abs(stock).max()


@pytest.mark.parametrize("penalty", cases(["table"], ["none"]))
@pytest.mark.parametrize("optimizer", cases(["adam"], ["adamw", "nadam", "rmsprop", "sgd"]))
def test_a_step_put_off_has_the_bits_of_one_taken_at_once(
    split: Split, optimizer: str, penalty: str
) -> None:
    config, training = PENALTIES[penalty], _training(optimizer)
    late, at_once = (_ours(split, config, training, apart=apart) for apart in (True, False))
    assert late[0] == pytest.approx(at_once[0], rel=1e-6)
    assert late[1].tobytes() == at_once[1].tobytes()


@pytest.mark.parametrize("output", cases(["scaled_sigmoid"], ["linear"]))
@pytest.mark.parametrize("l2_rating", cases([0.02], [0.0]))
def test_steps_on_one_rating_are_those_on_batches_of_one(
    split: Split, l2_rating: float, output: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = ModelConfig(
        family="gmf", factors=20, l2_rating=l2_rating, output_activation=output, output_bias=3.0
    )
    training = replace(_training("plain_sgd", 1), embedding_rate=0.5, schedule="cosine")
    monkeypatch.setattr("models.compiled.training._SINGLES", 50)  # several calls an epoch
    called: list[float] = []
    monkeypatch.setattr(Training, "_single_steps", _noting(called, Training._single_steps))
    quick = _ours(split, config, training)
    assert len(called) == EPOCHS
    monkeypatch.setattr("models.compiled.training.are_singles", lambda *_: False)
    usual = _ours(split, config, training)
    assert len(called) == EPOCHS
    assert quick[0] == pytest.approx(usual[0], rel=1e-5)
    assert np.abs(quick[1] - usual[1]).max() <= 1e-5 * np.abs(usual[1]).max()
    assert (quick[1] != _ours(split, config, replace(training, learning_rate=1e-9))[1]).any()


def _noting(called: list[float], method: Callable[..., Any]) -> Callable[..., Any]:
    def noted(*given: Any) -> Any:
        called.append(1)
        return method(*given)

    return noted


@pytest.mark.parametrize(
    ("changed", "optimizer"),
    cases(
        [({"factor_dropout": 0.5}, "plain_sgd")],
        [
            ({"family": "neumf", "units": (4,), "dropout": (0.0,)}, "plain_sgd"),
            ({"l2_bias": 1e-4}, "plain_sgd"),
            ({}, "lazy_adam"),
        ],
    ),
)
def test_other_steps_on_one_rating_take_the_usual_way(
    split: Split, changed: dict, optimizer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Training, "_single_steps", pytest.fail)
    config = replace(ModelConfig(family="gmf", factors=4), **changed)
    assert np.isfinite(_ours(split, config, _training(optimizer, 1))[0]).all()


@pytest.mark.parametrize("optimizer", cases(["lazy_adam"], ["adam"]))
def test_threads_change_no_bit(split: Split, optimizer: str) -> None:
    config, training = PENALTIES["table"], _training(optimizer)
    one, two = (_ours(split, config, training, threads=threads) for threads in (1, 2))
    assert one[0] == two[0]
    assert one[1].tobytes() == two[1].tobytes()


@pytest.mark.parametrize("penalty", cases(["rating"], ["table"]))
@pytest.mark.parametrize("optimizer", cases(ROW_OPTIMIZERS[:1], ROW_OPTIMIZERS[1:]))
def test_steps_on_large_batches_are_those_on_small_ones(
    split: Split, optimizer: str, penalty: str
) -> None:
    """The same rows in one step, once as a large batch by shares and once as a small one."""
    whole = split_ratings(load_ratings("synthetic:0.002"), "random", seed=1)
    assert len(whole.train) > LARGE
    found = []
    for small in (0, 1):
        config, training = PENALTIES[penalty], _training(optimizer, LARGE)
        model = _start(whole, config)
        origin = origin_of(model)
        plan = plan_of(origin)
        p = flat_weights(model, tensors(plan, config), plan.size)
        state = State(p, *(np.zeros_like(p) for _ in range(3)))
        both = layouts(plan, config, training)
        numbers = StepNumbers(training, 9)
        with Hands.of(2) as hands:
            made = Training(plan, state, both, numbers, hands)
            rows, order = rows_of(whole.train), np.arange(LARGE)
            made.epoch(rows, order[: LARGE - 1], LARGE - small, key_of(3, 1, 0))
        found.append(p)
    assert np.abs(found[0] - found[1]).max() <= 1e-5 * np.abs(found[0]).max()


@pytest.mark.parametrize("optimizer", ROW_OPTIMIZERS)
def test_ids_that_no_rating_has_keep_their_weights(split: Split, optimizer: str) -> None:
    config = PENALTIES["rating"]
    model = _start(split, config)
    first = model.get_layer("movie_factors").embeddings.numpy()
    result = train(model, split, _training(optimizer, "full"))
    assert result.trainer.name == "compiled"
    now = model.get_layer("movie_factors").embeddings.numpy()
    moved = (now != first).any(axis=1)
    assert sorted(np.flatnonzero(moved)) == sorted(set(split.train.movies.tolist()))


def test_a_full_batch_with_a_penalty_a_rating_has_keras_losses(split: Split) -> None:
    found = []
    for trainer in ("compiled", "keras"):
        training = replace(_training("plain_sgd", "full"), trainer=trainer)
        result = train(_start(split, PENALTIES["rating"]), split, training)
        found.append([e.metrics[n] for e in result.epochs for n in ("loss", "val_loss")])
    assert found[0] == pytest.approx(found[1], rel=1e-4)


def test_the_fast_trainer_leaves_steps_by_row_to_keras(split: Split) -> None:
    training = replace(_training("lazy_adam"), trainer="tensorflow", epochs=1)
    used = train(_start(split, BOTH), split, training).trainer
    assert (used.name, used.reason) == ("keras", "its optimizer steps by row")
