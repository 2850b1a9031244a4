"""Where everything of a network lies in flat arrays, as compiled functions take it.

All weights are one array: first the tables (a row an id), then kernels and biases. A hidden layer's
width is padded to a multiple of 16 with zeros, whose gradients are zeros.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.compiled.activations import NAMES
from models.compiled.counters import LEVELS
from models.compiled.origin import Origin
from models.config import ModelConfig

_WIDTH = 16
_WORD_UNITS = 4
NONE = -1
"""The place of a tensor that the network does not have."""

SCALED = "scaled_sigmoid"


class Plan(NamedTuple):
    """The shape of a network and the places of its tensors; plain numbers and small arrays.

    Attributes:
        movies: Rows of a table of movies.
        users: Rows of a table of users.
        movie_size: Length of a movie's vector that dense layers read; 0 without layers.
        user_size: The same of a user's.
        factors: Length of the vectors that are multiplied; 0 without a product.
        units: Width of the layers' input and of each layer, `[depth + 1]`; empty without layers.
        widths: The same, padded.
        kernels: Place of each layer's kernel, `[depth]`.
        biases: Place of each layer's bias, `[depth]`.
        dropped: Of each input and layer, below which 16 bits a unit is dropped, `[depth + 1]`.
        scales: By what a unit that is kept is multiplied, `[depth + 1]`.
        words: Number of the first random word of each of these masks, `[depth + 1]`.
        factor_dropped: As `dropped`, of the product.
        factor_scale: As `scales`, of the product.
        factor_word: As `words`, of the product.
        row_words: Random words of a row.
        activation: Code of the hidden layers' activation.
        output: Code of the output's activation.
        low: Added to the output's activation.
        span: Multiplies it.
        movie_vectors: Place of the movies' vectors.
        user_vectors: Place of the users' vectors.
        score_kernel: Place of the kernel behind the layers.
        score_bias: Place of its bias.
        movie_factors: Place of the movies' vectors that are multiplied.
        user_factors: Place of the users'.
        product_kernel: Place of the weights of the product.
        product_bias: Place of its bias.
        movie_bias: Place of the movies' biases.
        user_bias: Place of the users' biases.
        line: Numbers that a layer takes in a share's memory.
        row: Numbers that a row's layers take there.
        turned: Place of each layer's kernel there, turned, `[depth]`.
        turned_size: Numbers that all turned kernels take.
        l2_rating: Factor of the penalty that each rating pays for what it looks up.
        small: Place of the first tensor that is no table.
        size: Length of the array.
    """

    movies: int
    users: int
    movie_size: int
    user_size: int
    factors: int
    units: NDArray[np.int64]
    widths: NDArray[np.int64]
    kernels: NDArray[np.int64]
    biases: NDArray[np.int64]
    dropped: NDArray[np.uint64]
    scales: NDArray[np.float64]
    words: NDArray[np.int64]
    factor_dropped: np.uint64
    factor_scale: float
    factor_word: int
    row_words: int
    activation: int
    output: int
    low: float
    span: float
    movie_vectors: int
    user_vectors: int
    score_kernel: int
    score_bias: int
    movie_factors: int
    user_factors: int
    product_kernel: int
    product_bias: int
    movie_bias: int
    user_bias: int
    line: int
    row: int
    turned: NDArray[np.int64]
    turned_size: int
    l2_rating: float
    small: int
    size: int


def plan_of(origin: Origin) -> Plan:
    """Lay a network out, from what it was built from."""
    config = origin.config
    layered, multiplied = config.family != "gmf", config.family != "mlp"
    movie_size = (config.movie_embedding_size or config.embedding_size) if layered else 0
    user_size = config.embedding_size if layered else 0
    units = np.array([movie_size + user_size, *config.units] if layered else [], np.int64)
    sizes: dict[str, Any] = {
        "movies": origin.movie_rows,
        "users": origin.user_rows,
        "movie_size": movie_size,
        "user_size": user_size,
        "factors": (config.factors or config.embedding_size) if multiplied else 0,
        "units": units,
        "widths": np.append(units[:1], -(-units[1:] // _WIDTH) * _WIDTH),
    }
    places = _places(config, sizes)
    masks = _masks(config, [*units, sizes["factors"]])
    functions = _functions(origin)
    return Plan(**sizes, **masks, **functions, **places, l2_rating=config.l2_rating)


def _functions(origin: Origin) -> dict[str, Any]:
    """The activations, and the range that a scaled sigmoid is stretched over."""
    config = origin.config
    scaled = config.output_activation == SCALED
    low, high = origin.score_range if scaled and origin.score_range else (0.0, 1.0)
    output = "sigmoid" if scaled else config.output_activation
    return {
        "activation": NAMES.index(config.activation),
        "output": NAMES.index(output),
        "low": low,
        "span": high - low,
    }


def _masks(config: ModelConfig, units: list[int]) -> dict[str, Any]:
    """The rates of the masks, and where the random words of each begin; the product's is last."""
    layered = len(units) > 1
    rates = np.array([config.embedding_dropout, *config.dropout] if layered else [], np.float64)
    counts = [-(-int(width) // _WORD_UNITS) for width in units]
    words = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    return {
        "dropped": np.round(rates * LEVELS).astype(np.uint64),
        "scales": 1 / (1 - rates),
        "words": words[: len(units) - 1],
        "factor_dropped": np.uint64(round(config.factor_dropout * LEVELS)),
        "factor_scale": 1 / (1 - config.factor_dropout),
        "factor_word": int(words[len(units) - 1]),
        "row_words": int(words[-1]),
    }


def _places(config: ModelConfig, sizes: dict[str, Any]) -> dict[str, Any]:
    """The places of all tensors: tables, then kernels and biases."""
    layered, multiplied = config.family != "gmf", config.family != "mlp"
    movies, users, factors, widths = (sizes[n] for n in ("movies", "users", "factors", "widths"))
    place = _Places()
    places: dict[str, Any] = {
        "movie_vectors": place.take(movies * sizes["movie_size"], layered),
        "user_vectors": place.take(users * sizes["user_size"], layered),
        "movie_factors": place.take(movies * factors, multiplied),
        "user_factors": place.take(users * factors, multiplied),
        "movie_bias": place.take(movies, multiplied),
        "user_bias": place.take(users, multiplied),
        "small": place.next,
    }
    kernels, biases, turned = [], [], _Places()
    for inputs, outputs in pairwise(widths):
        kernels.append(place.take(int(inputs * outputs)))
        biases.append(place.take(int(outputs)))
    line = _padded(int(max([*widths, 0]))) + _WIDTH
    return places | {
        "turned": np.array(
            [turned.take(_padded(int(i)) * int(o)) for i, o in pairwise(widths)],
            np.int64,
        ),
        "turned_size": turned.next,
        "kernels": np.array(kernels, np.int64),
        "biases": np.array(biases, np.int64),
        "score_kernel": place.take(int(widths[-1]) if layered else 0, layered),
        "score_bias": place.take(1, layered),
        "product_kernel": place.take(factors, multiplied),
        "product_bias": place.take(1, config.family == "gmf"),
        "line": line,
        "row": max(1, len(widths)) * line,
        "size": place.next,
    }


def _padded(count: int) -> int:
    """The next multiple of sixteen."""
    return -(-count // _WIDTH) * _WIDTH


class _Places:
    """Gives tensors their places, one after another; each begins at a multiple of sixteen."""

    def __init__(self) -> None:
        self.next = 0

    def take(self, count: int, exists: bool = True) -> int:
        """The place of a tensor with `count` weights; `NONE` where it does not exist."""
        if not exists:
            return NONE
        first, self.next = self.next, self.next + _padded(count)
        return first
