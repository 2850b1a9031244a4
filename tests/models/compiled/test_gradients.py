"""Compiled gradients and predictions against Keras' own in double precision."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, NamedTuple

import keras
import numba
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from quickly import cases

from models import ACTIVATIONS, OUTPUT_ACTIVATIONS, ModelConfig, build_model, make_deterministic
from models.compiled.counters import key_of
from models.compiled.lanes import put, take
from models.compiled.network.forward import draw_masks
from models.compiled.network.rows import add_rows
from models.compiled.origin import Origin
from models.compiled.plan import Plan, plan_of
from models.compiled.powers import exp_less_one
from models.compiled.space import Batch, Rows, Space, make_space
from models.compiled.stepping.hands import Hands
from models.compiled.stepping.optimizers import State, StepNumbers
from models.compiled.stepping.passes import Steps, settle
from models.compiled.training import predict
from models.compiled.weights import Tensor, flat_weights, layouts, tensors
from models.config import FAMILIES, TrainConfig
from models.fast.calls import replaced_calls

RANGE = (0.5, 5.0)
COUNT = 700  # two blocks of rows and a part
KEY = key_of(3, 1, 0)


class Size:
    user_rows = 23
    movie_rows = 31


def _rows() -> Rows:
    rng = np.random.default_rng(0)
    codes = [rng.integers(0, n, COUNT).astype(np.int32) for n in (31, 23)]
    return Rows(*codes, (rng.integers(1, 11, COUNT) / 2).astype(np.float32))


class Made(NamedTuple):
    """A model in double precision, laid out for compiled functions."""

    model: keras.Model
    plan: Plan
    every: list[Tensor]
    p: np.ndarray


def _make(config: ModelConfig) -> Made:
    make_deterministic(1)
    model = build_model(config, Size(), train_mean=3.1, score_range=RANGE, seed=3)
    rng = np.random.default_rng(5)  # biases of zero would hide mistakes
    model.set_weights([w + rng.normal(0, 0.1, w.shape) for w in model.get_weights()])
    plan = plan_of(Origin(config, 23, 31, RANGE))
    every = tensors(plan, config)
    return Made(model, plan, every, flat_weights(model, every, plan.size, np.float64))


@pytest.fixture(autouse=True)
def _double() -> Iterator[None]:
    for kind in ("float64", "float32"):
        keras.config.set_floatx(kind)
        keras.config.set_dtype_policy(kind)
        if kind == "float64":
            yield


def _masks(made: Made) -> dict[str, np.ndarray]:
    """The masks that compiled functions draw for each row, by the name of the dropout layer."""
    plan, space = made.plan, make_space(made.plan, np.float64)
    drawn: dict[str, list[np.ndarray]] = {}
    names = ["embedding_dropout", *(f"dropout_{n + 1}" for n in range(len(plan.units) - 1))]
    for row in range(COUNT):
        draw_masks(plan, space, KEY, np.uint64(row * plan.row_words), 0)
        for layer, (name, units) in enumerate(zip(names, plan.units, strict=False)):
            at = layer * plan.line
            drawn.setdefault(name, []).append(space.kept[at : at + int(units)].copy())
        drawn.setdefault("factor_dropout", []).append(space.product[: plan.factors].copy())
    return {name: np.array(rows) for name, rows in drawn.items()}


def _expected(made: Made, rows: Rows) -> tuple[float, dict[str, np.ndarray]]:
    """Keras' sum of squared errors and gradients, with the masks of compiled functions."""
    model, masks = made.model, _masks(made)
    layers = [layer for layer in model.layers if isinstance(layer, keras.layers.Dropout)]

    def drop(layer: keras.layers.Layer, values: Any, training: bool = False) -> Any:
        return values * masks[layer.name]

    inputs = [rows.movies[:, None], rows.users[:, None]]
    with replaced_calls(layers, drop), tf.GradientTape() as tape:
        loss = tf.reduce_mean(tf.square(model(inputs, training=True) - rows.scores[:, None]))
    variables = model.trainable_variables
    found = tape.gradient(loss, [v.value for v in variables])
    dense = [np.asarray(tf.convert_to_tensor(g)) for g in found]
    return float(loss) * COUNT, dict(zip([v.path for v in variables], dense, strict=True))


def _summed(made: Made, p: np.ndarray, rows: Rows, *, large: bool) -> tuple[float, np.ndarray]:
    """The compiled sum of squared errors and gradient."""
    plan = made.plan
    state = State(p, *(np.zeros_like(p) for _ in range(3)))
    batch = Batch(rows, np.arange(COUNT), np.zeros(0, p.dtype), KEY, 2 / COUNT)
    if large:
        training = TrainConfig()
        parts = layouts(plan, ModelConfig(family=_family(plan)), training)[1]
        with Hands.of(2) as hands:
            return Steps(plan, state, parts, hands).gradient(batch)[0], state.g
    space: Space = make_space(plan, p.dtype)._replace(gradient=state.g)
    add_rows(plan, state.p, batch, space)
    settle(plan, state.g, space, plan.small, plan.size)
    return float(space.wrong[0]), state.g


def _family(plan: Plan) -> str:
    if not plan.factors:
        return "mlp"
    return "neumf" if len(plan.units) else "gmf"


def _hold(config: ModelConfig, *, large: bool, single: float = 2e-6) -> None:
    """Hold predictions and gradients of a network against Keras'; `single` is float32's limit."""
    made, rows = _make(config), _rows()
    inputs = [rows.movies[:, None], rows.users[:, None]]
    scores = np.asarray(made.model(inputs))[:, 0]
    # TensorFlow's own constants of gelu are those of single precision.
    exact = 1e-7 if config.activation == "gelu" else 1e-11
    with Hands.of(2) as hands:
        error = np.abs(predict(made.plan, made.p, rows, hands) - scores).max()
    assert error <= exact * np.abs(scores).max()
    wrong, expected = _expected(made, rows)
    for dtype, limit in ((np.float64, exact), (np.float32, single)):
        got_wrong, gradient = _summed(made, made.p.astype(dtype), rows, large=large)
        assert got_wrong == pytest.approx(wrong, rel=10 * limit)
        for tensor in made.every:
            theirs = expected[tensor.variable(made.model).path]
            ours = tensor.lines(gradient).reshape(tensor.shape)
            assert np.abs(ours - theirs).max() <= limit * np.abs(theirs).max(), tensor


@pytest.mark.parametrize("family", FAMILIES)
def test_a_prediction_does_not_depend_on_the_rows_beside_it(family: str) -> None:
    made, rows = _make(replace(SMALL, family=family)), _rows()
    p = made.p.astype(np.float32)
    with Hands.of(1) as hands:
        # In other blocks of 32, and after other rows; all share the first layer.
        together = predict(made.plan, p, rows, hands)
        turned = predict(made.plan, p, rows.at(np.arange(COUNT)[::-1]), hands)
    assert together.tolist() == turned[::-1].tolist()


SMALL = ModelConfig(embedding_size=5, movie_embedding_size=3, factors=6, units=(20, 9),
                    dropout=(0.0, 0.0), output_bias=3.0)  # fmt: skip
QUICK = {"relu", "silu"}
DROPPED = {"dropout": (0.6, 0.25), "embedding_dropout": 0.3, "factor_dropout": 0.4}


@pytest.mark.parametrize("large", [False, True])
@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("activation", cases(["silu"], sorted({*ACTIVATIONS} - {"silu"})))
def test_gradients_are_keras_own(family: str, activation: str, large: bool) -> None:
    _hold(replace(SMALL, family=family, activation=activation), large=large)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("large", [False, True])
def test_they_are_so_with_the_same_masks(family: str, large: bool) -> None:
    _hold(replace(SMALL, family=family, **DROPPED), large=large)
    _hold(replace(SMALL, family=family, **DROPPED | {"embedding_dropout": 0.0}), large=large)


@pytest.mark.parametrize("output", OUTPUT_ACTIVATIONS)
def test_they_are_so_for_every_output(output: str) -> None:
    bias = 0.5 if output == "sigmoid" else "train_mean"
    _hold(replace(SMALL, family="neumf", output_activation=output, output_bias=bias), large=False)


@pytest.mark.slow
@settings(max_examples=30, deadline=None, derandomize=True)
@given(
    family=st.sampled_from(FAMILIES),
    sizes=st.tuples(st.integers(1, 19), st.integers(1, 19), st.integers(1, 35)),
    units=st.lists(st.integers(1, 40), max_size=4),
    rate=st.sampled_from([0.0, 0.05, 0.5, 0.9]),
    activation=st.sampled_from(ACTIVATIONS),
    large=st.booleans(),
)
def test_any_network_of_the_space_has_keras_gradients(
    family: str, sizes: tuple[int, int, int], units: list[int], rate: float, activation: str,
    large: bool,
) -> None:  # fmt: skip
    config = ModelConfig(
        family=family, embedding_size=sizes[0], movie_embedding_size=sizes[1], factors=sizes[2],
        units=tuple(units), dropout=tuple(rate for _ in units), embedding_dropout=rate,
        factor_dropout=rate, activation=activation, output_activation="linear", output_bias=3.0,
    )  # fmt: skip
    # Sums of a few rows that nearly cancel out have few digits left in single precision.
    _hold(config, large=large, single=2e-5)


def test_the_numbers_of_a_step_are_made_for_each_step() -> None:
    numbers = StepNumbers(TrainConfig(schedule="exponential", final_rate=0.01), 2)
    assert [numbers.next().rate for _ in range(3)] == pytest.approx([0.01, 0.001, 0.0001])


@numba.njit
def _powers(x: Any, out: Any) -> None:
    for i in range(np.uint64(0), np.uint64(len(x)), np.uint64(16)):
        put(out, i, exp_less_one(take(x, i)))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_powers_of_e_are_exact_to_a_few_roundings(dtype: type) -> None:
    """Small ones too, whose power is next to one."""
    most = 86.0 if dtype == np.float32 else 690.0
    sizes = np.concatenate([np.geomspace(1e-7, most, 4000), [0.0] * 8])
    x = np.concatenate([sizes, -sizes]).astype(dtype)
    got = np.empty_like(x)
    _powers(x, got)
    np.testing.assert_allclose(got, np.expm1(x.astype(np.float64)), rtol=4 * np.finfo(dtype).eps)
    beyond = np.array([np.nan, np.inf, -np.inf, 1e30] * 4, dtype)
    _powers(beyond, beyond)
    assert np.isnan(beyond[0])
    assert np.isfinite(beyond[1:4]).all()
    assert beyond[2] == -1
