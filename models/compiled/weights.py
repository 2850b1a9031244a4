"""A Keras model's weights as one flat array, and back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.compiled.plan import NONE, Plan
from models.compiled.space import Rows
from models.compiled.stepping.optimizers import Segments
from models.compiled.stepping.tables import Layout, Tables
from models.compiled.vectors import zeros
from models.config import ROW_OPTIMIZERS, ModelConfig, TrainConfig

_TABLE = "embeddings"
_LONG = 8  # weights of a row, from which on it is moved apart


class Tensor(NamedTuple):
    """One weight tensor: which it is in Keras, and where it lies in the flat array.

    Attributes:
        layer: Name of its layer.
        name: Its own name: "embeddings", "kernel" or "bias".
        shape: Its shape, padding left out.
        place: Of its first weight.
        width: Length of a line in the flat array, padding included.
        l2: Factor of its penalty.
    """

    layer: str
    name: str
    shape: tuple[int, ...]
    place: int
    width: int
    l2: float

    @property
    def height(self) -> int:
        """Its lines in the flat array."""
        return int(np.prod(self.shape[:-1])) if len(self.shape) > 1 else 1

    @property
    def end(self) -> int:
        """One past its last weight in the flat array."""
        return self.place + self.height * self.width

    def lines(self, flat: NDArray[Any]) -> NDArray[Any]:
        """Its weights in the flat array, `[line, weight]`, padding left out."""
        return flat[self.place : self.end].reshape(self.height, self.width)[:, : self.shape[-1]]

    def variable(self, model: Any) -> Any:
        """The variable of a Keras model that it is."""
        return getattr(model.get_layer(self.layer), self.name)


def tensors(plan: Plan, config: ModelConfig) -> list[Tensor]:
    """List the weight tensors of a network, in the order of the flat array."""
    return [*_tables(plan, config), *_layers(plan, config)]


def _tables(plan: Plan, config: ModelConfig) -> Iterator[Tensor]:
    for layer, place, rows, size, l2 in (
        ("movie_embedding", plan.movie_vectors, plan.movies, plan.movie_size, config.l2_embedding),
        ("user_embedding", plan.user_vectors, plan.users, plan.user_size, config.l2_embedding),
        ("movie_factors", plan.movie_factors, plan.movies, plan.factors, config.l2_embedding),
        ("user_factors", plan.user_factors, plan.users, plan.factors, config.l2_embedding),
        ("movie_bias", plan.movie_bias, plan.movies, 1, config.l2_bias),
        ("user_bias", plan.user_bias, plan.users, 1, config.l2_bias),
    ):
        if place != NONE:
            yield Tensor(layer, _TABLE, (rows, size), place, size, l2)


def _layers(plan: Plan, config: ModelConfig) -> Iterator[Tensor]:
    for number, (kernel, bias) in enumerate(zip(plan.kernels, plan.biases, strict=True)):
        inputs, outputs = (int(n) for n in plan.units[number : number + 2])
        width, name = int(plan.widths[number + 1]), f"dense_{number + 1}"
        yield Tensor(name, "kernel", (inputs, outputs), int(kernel), width, config.l2_kernel)
        yield Tensor(name, "bias", (outputs,), int(bias), width, 0.0)
    if plan.score_kernel != NONE:
        name, inputs = "layers" if config.family == "neumf" else "score", int(plan.units[-1])
        yield Tensor(name, "kernel", (inputs, 1), plan.score_kernel, 1, config.l2_kernel)
        yield Tensor(name, "bias", (1,), plan.score_bias, 1, 0.0)
    if plan.product_kernel != NONE:
        yield Tensor("product_weights", "kernel", (plan.factors, 1), plan.product_kernel, 1, 0.0)
    if plan.product_bias != NONE:
        yield Tensor("product_weights", "bias", (1,), plan.product_bias, 1, 0.0)


def segments(plan: Plan, config: ModelConfig, training: TrainConfig) -> Segments:
    """Divide the flat array into parts of one penalty and one learning rate each."""
    by_row = training.optimizer in ROW_OPTIMIZERS
    return _segments(tensors(plan, config), plan.size, training, by_row=by_row)


def layouts(plan: Plan, config: ModelConfig, training: TrainConfig) -> tuple[Layout, Layout]:
    """Divide the weights for steps on small batches, and for steps on large ones."""
    small, large = (_layout(plan, config, training, small=small) for small in (True, False))
    return small, large


def _layout(plan: Plan, config: ModelConfig, training: TrainConfig, *, small: bool) -> Layout:
    """Divide the weights for steps on small batches or on large ones.

    Rows are moved one by one where the optimizer moves no others. In steps on small batches they
    are too where they are long enough for vector instructions.
    """
    every, by_row = tensors(plan, config), training.optimizer in ROW_OPTIMIZERS
    ids = plan.movies + plan.users
    apart = [
        tensor
        for tensor in every
        if tensor.name == _TABLE
        and ((small and tensor.width >= _LONG) or (by_row and tensor.l2 == 0))
    ]
    first = np.array([plan.movies * t.layer.startswith("user") for t in apart], np.int64)
    tables = Tables(
        place=np.array([tensor.place for tensor in apart], np.int64),
        width=np.array([tensor.width for tensor in apart], np.int64),
        first=first,
        end=first + np.array([tensor.shape[0] for tensor in apart], np.int64),
        l2=np.array([tensor.l2 for tensor in apart], np.float64),
        times=np.full(len(apart), training.embedding_rate, np.float64),
        waits=np.array([not by_row or tensor.l2 > 0 for tensor in apart], np.int64),
        last=np.full(ids if apart else 0, -1, np.int64),
        seen=np.zeros(ids if apart else 0, np.int64),
        since=np.zeros(ids if apart else 0, np.int64),
    )
    rest = [tensor for tensor in every if tensor not in apart]
    return Layout(_segments(rest, plan.size, training, by_row=by_row), tables)


def _segments(every: list[Tensor], size: int, training: TrainConfig, *, by_row: bool) -> Segments:
    """Some tensors, in the order of the flat array, as parts of it."""
    rates = [training.embedding_rate if t.name == _TABLE else 1.0 for t in every]
    widths = [tensor.width if by_row and tensor.name == _TABLE else 0 for tensor in every]
    return Segments(
        begin=np.array([tensor.place for tensor in every], np.int64),
        end=np.array([tensor.end for tensor in every], np.int64),
        l2=np.array([tensor.l2 for tensor in every], np.float64),
        times=np.array(rates, np.float64),
        width=np.array(widths, np.int64),
    )


def flat_weights(
    model: Any, every: list[Tensor], size: int, dtype: Any = np.float32
) -> NDArray[Any]:
    """Copy a model's weights into a new flat array, `[weight]`, padding zero."""
    flat = zeros(size, dtype)
    for tensor in every:
        lines = tensor.lines(flat)
        lines[...] = tensor.variable(model).numpy().reshape(lines.shape)
    return flat


def put_back(model: Any, every: list[Tensor], flat: NDArray[np.float32]) -> None:
    """Copy a flat array's weights into a model."""
    for tensor in every:
        tensor.variable(model).assign(tensor.lines(flat).reshape(tensor.shape))


def rating_penalty(plan: Plan, flat: NDArray[Any], rows: Rows) -> float:
    """The mean penalty that some ratings pay for what they look up, as Keras adds it to a loss."""
    if plan.l2_rating == 0:
        return 0.0
    total = 0.0
    for ids, count, tables in (
        (rows.movies, plan.movies, (
            (plan.movie_vectors, plan.movie_size), (plan.movie_factors, plan.factors),
            (plan.movie_bias, 1),
        )),
        (rows.users, plan.users, (
            (plan.user_vectors, plan.user_size), (plan.user_factors, plan.factors),
            (plan.user_bias, 1),
        )),
    ):  # fmt: skip
        times = np.bincount(ids, minlength=count)
        for place, width in tables:
            if place != NONE:
                table = flat[place : place + count * width].reshape(count, width)
                total += float(times @ np.square(table, dtype=np.float64).sum(axis=1))
    return plan.l2_rating * total / len(rows.movies)
