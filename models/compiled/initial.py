"""The initial weights of a network, the same to the last bit as `build_model` gives it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.compiled.origin import Origin, seeds_of
from models.compiled.philox import uniform
from models.compiled.plan import plan_of
from models.compiled.vectors import zeros
from models.compiled.weights import Tensor, tensors
from models.config import ModelConfig
from models.output_unit import OutputUnit

_TABLE_BOUND = 0.05


def initial_weights(origin: Origin, *, train_mean: float | None, seed: int) -> NDArray[np.float32]:
    """Make the initial weights of a network as one flat array.

    They are those of the Keras model that `models.build_model` makes with the same seed.

    Args:
        origin: The network.
        train_mean: Mean of the train scores; needed when the output bias is "train_mean".
        seed: Seeds a stream for each layer.

    Returns:
        Weights as `models.compiled.weights.flat_weights` lays them out, `[weight]`, padding zero.

    Raises:
        ModelsError: The mean or the range of the scores is needed and not given.
    """
    plan, config = plan_of(origin), origin.config
    flat, seeds = zeros(plan.size, np.float32), layer_seeds(config, seed)
    start = OutputUnit(config, train_mean, origin.score_range).bias
    for tensor in tensors(plan, config):
        lines = tensor.lines(flat)
        lines[...] = _values(tensor, seeds, start, lines.shape)
    return flat


def layer_seeds(config: ModelConfig, seed: int) -> dict[str, int]:
    """The seed of each layer that has one, by its name: taken in the order of `build_model`."""
    seeds = seeds_of(seed)
    found: dict[str, int] = {}
    if config.family != "gmf":
        names = ["movie_embedding", "user_embedding"]
        names += ["embedding_dropout"] if config.embedding_dropout else []
        for number in range(1, len(config.units) + 1):
            names += [f"dense_{number}", f"dropout_{number}"]
        names.append("layers" if config.family == "neumf" else "score")
        found |= {name: next(seeds) for name in names}
    if config.family != "mlp":
        found |= {name: next(seeds) for name in ("movie_factors", "user_factors")}
    return found


def _values(tensor: Tensor, seeds: dict[str, int], start: float, shape: tuple[int, ...]) -> Any:
    """What a tensor begins with: an array of the shape, or one number; `start` is the output's."""
    if tensor.name == "embeddings":
        if tensor.layer not in seeds:  # biases of users and movies
            return 0.0
        return uniform(shape, seeds[tensor.layer], -_TABLE_BOUND, _TABLE_BOUND)
    if tensor.name == "bias":
        return 0.0 if tensor.layer.startswith("dense_") else start
    if tensor.layer == "product_weights":
        return 1.0
    # Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural
    # networks", AISTATS 2010, equation 16; in the order of Keras' operations.
    bound = math.sqrt(3.0 * (1.0 / max(1.0, sum(tensor.shape) / 2.0)))
    return uniform(shape, seeds[tensor.layer], -bound, bound)
