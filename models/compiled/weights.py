"""A Keras model's weights as one flat array, and back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import keras
import numpy as np
from numpy.typing import NDArray

from models.compiled.optimizers import Segments
from models.compiled.plan import NONE, Plan
from models.config import ModelConfig, TrainConfig


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

    def lines(self, flat: NDArray[Any]) -> NDArray[Any]:
        """Its weights in the flat array, `[line, weight]`, padding left out."""
        count = int(np.prod(self.shape[:-1])) if len(self.shape) > 1 else 1
        whole = flat[self.place : self.place + count * self.width]
        return whole.reshape(count, self.width)[:, : self.shape[-1]]

    def variable(self, model: keras.Model) -> Any:
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
            yield Tensor(layer, "embeddings", (rows, size), place, size, l2)


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
    every = tensors(plan, config)
    places = [*(tensor.place for tensor in every), plan.size]
    rates = [training.embedding_rate if t.name == "embeddings" else 1.0 for t in every]
    return Segments(
        begin=np.array(places[:-1], np.int64),
        end=np.array(places[1:], np.int64),
        l2=np.array([tensor.l2 for tensor in every], np.float64),
        times=np.array(rates, np.float64),
    )


def flat_weights(
    model: keras.Model, every: list[Tensor], size: int, dtype: Any = np.float32
) -> NDArray[Any]:
    """Copy a model's weights into a new flat array, `[weight]`, padding zero."""
    flat = np.zeros(size, dtype)
    for tensor in every:
        lines = tensor.lines(flat)
        lines[...] = tensor.variable(model).numpy().reshape(lines.shape)
    return flat


def put_back(model: keras.Model, every: list[Tensor], flat: NDArray[np.float32]) -> None:
    """Copy a flat array's weights into a model."""
    for tensor in every:
        tensor.variable(model).assign(tensor.lines(flat).reshape(tensor.shape))
