"""Make the layers that rating networks are built of, with their initial values and penalties.

A penalty a rating is one on what a table puts out: Keras divides it by the rows of a batch.

Initial values are Keras' own: uniform within +-0.05 for embedding tables, zeros for tables of
biases, Glorot uniform for kernels.
"""

from __future__ import annotations

from collections.abc import Iterator

import keras

from models.config import ModelConfig
from models.output_unit import OutputUnit


def dropped(
    value: keras.KerasTensor, rate: float, seeds: Iterator[int], name: str
) -> keras.KerasTensor:
    """Apply a new dropout layer to `value`, seeded by the next one of `seeds`.

    A rate of 0 makes no layer and takes no seed.
    """
    if rate == 0:
        return value
    return keras.layers.Dropout(rate, seed=next(seeds), name=name)(value)


def vector(
    code: keras.KerasTensor, rows: int, size: int, config: ModelConfig, seed: int, kind: str
) -> keras.KerasTensor:
    """Look up the vector of each user or movie code in a new embedding table.

    Args:
        code: Integer codes of users or of movies, `[batch, 1]`.
        rows: Rows of the table.
        size: Length of a vector.
        config: Gives the penalties of the table and of its output.
        seed: Seeds the table's initial values.
        kind: Which of an id's vectors it is, for the layers' names: "embedding" or "factors".

    Returns:
        The vectors, `[batch, size]`.
    """
    table = keras.layers.Embedding(
        rows,
        size,
        embeddings_initializer=keras.initializers.RandomUniform(-0.05, 0.05, seed=seed),
        embeddings_regularizer=_l2(config.l2_embedding),
        activity_regularizer=_l2(config.l2_rating),
        name=f"{code.name}_{kind}",
    )
    name = "vector" if kind == "embedding" else f"{kind}_vector"
    return keras.layers.Flatten(name=f"{code.name}_{name}")(table(code))


def id_bias(code: keras.KerasTensor, rows: int, config: ModelConfig) -> keras.KerasTensor:
    """Look up the bias of each user or movie code in a new table of biases.

    Args:
        code: Integer codes of users or of movies, `[batch, 1]`.
        rows: Rows of the table.
        config: Gives the penalties of the table and of its output.

    Returns:
        The biases, `[batch, 1]`.
    """
    table = keras.layers.Embedding(
        rows,
        1,
        embeddings_initializer="zeros",
        embeddings_regularizer=_l2(config.l2_bias),
        activity_regularizer=_l2(config.l2_rating),
        name=f"{code.name}_bias",
    )
    return keras.layers.Flatten(name=f"{code.name}_bias_value")(table(code))


def dense(
    units: int,
    activation: str,
    config: ModelConfig,
    name: str,
    seed: int,
    bias: float = 0.0,
) -> keras.layers.Dense:
    """Make a dense layer; `bias` is the initial bias of each of its units."""
    return keras.layers.Dense(
        units,
        activation=activation,
        kernel_initializer=keras.initializers.GlorotUniform(seed=seed),
        kernel_regularizer=_l2(config.l2_kernel),
        bias_initializer=keras.initializers.Constant(bias),
        name=name,
    )


def score_unit(
    output: OutputUnit, config: ModelConfig, seed: int, activation: str, name: str = "score"
) -> keras.layers.Dense:
    """Make the output unit that follows the dense layers."""
    return dense(1, activation, config, name, seed, output.bias)


def product_weights(output: OutputUnit, *, with_bias: bool) -> keras.layers.Dense:
    """Make the output unit that weights and sums the elements of user vector * movie vector."""
    return keras.layers.Dense(
        1,
        use_bias=with_bias,
        kernel_initializer="ones",
        bias_initializer=keras.initializers.Constant(output.bias),
        name="product_weights",
    )


def stretched(output: OutputUnit, score: keras.KerasTensor) -> keras.KerasTensor:
    """Stretch a sigmoid, 0 to 1, over the range of scores; leave any other output as it is."""
    if output.span is None:
        return score
    low, high = output.span
    return keras.layers.Rescaling(high - low, offset=low, name="scaled")(score)


def _l2(factor: float) -> keras.regularizers.Regularizer | None:
    return keras.regularizers.L2(factor) if factor > 0 else None
