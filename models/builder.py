"""From a configuration to an uncompiled Keras model."""

from __future__ import annotations

from typing import Protocol

import keras

from models.config import TRAIN_MEAN, ModelConfig
from models.errors import ModelsError


class VocabularySize(Protocol):
    """What the builder needs of a vocabulary: `models.data.Vocabulary` has it."""

    @property
    def user_rows(self) -> int:
        """Rows of the user table: the known users and one slot for unknown ones."""

    @property
    def movie_rows(self) -> int:
        """Rows of the movie table: the known movies and one slot for unknown ones."""


def build_model(
    config: ModelConfig,
    vocabulary: VocabularySize,
    *,
    train_mean: float | None = None,
    seed: int = 42,
) -> keras.Model:
    """Build the network that `config` describes.

    Two inputs, movie first, each `[batch, 1]` of integer codes; each is looked up in its table
    (`[batch, 1, embedding_size]`), flattened and concatenated (`[batch, 2 * embedding_size]`),
    then read by the dense layers, each followed by its dropout; one output unit `[batch, 1]`.
    Initial values are Keras' own: uniform in +-0.05 for tables, Glorot uniform for kernels.

    Args:
        config: Sizes, rates, activations and penalties.
        vocabulary: Gives the rows of both tables.
        train_mean: Mean score of the train part; needed when the output bias is "train_mean".
        seed: Seeds initial values and dropout masks, each layer its own stream.

    Returns:
        The model, not compiled.

    Raises:
        ModelsError: The output bias is "train_mean" and no mean was given.
    """
    first_seed = seed % 2**32 * 1000
    seeds = iter(range(first_seed, first_seed + 999))
    movie = keras.Input((1,), dtype="int32", name="movie")
    user = keras.Input((1,), dtype="int32", name="user")
    towers = [
        _tower(movie, vocabulary.movie_rows, config, next(seeds)),
        _tower(user, vocabulary.user_rows, config, next(seeds)),
    ]
    hidden = keras.layers.Concatenate(name="concatenate")(towers)
    for number, (units, rate) in enumerate(zip(config.units, config.dropout, strict=True), 1):
        hidden = _dense(units, config.activation, config, f"dense_{number}", next(seeds))(hidden)
        dropout_seed = next(seeds)
        if rate > 0:
            hidden = keras.layers.Dropout(rate, seed=dropout_seed, name=f"dropout_{number}")(hidden)
    output = _dense(
        1, config.output_activation, config, "score", next(seeds), _output_bias(config, train_mean)
    )(hidden)
    return keras.Model([movie, user], output, name="ratings")


def _tower(code: keras.KerasTensor, rows: int, config: ModelConfig, seed: int) -> keras.KerasTensor:
    name = code.name
    table = keras.layers.Embedding(
        rows,
        config.embedding_size,
        embeddings_initializer=keras.initializers.RandomUniform(-0.05, 0.05, seed=seed),
        embeddings_regularizer=_l2(config.l2_embedding),
        name=f"{name}_embedding",
    )
    return keras.layers.Flatten(name=f"{name}_vector")(table(code))


def _dense(
    units: int,
    activation: str,
    config: ModelConfig,
    name: str,
    seed: int,
    bias: float = 0.0,
) -> keras.layers.Dense:
    return keras.layers.Dense(
        units,
        activation=activation,
        kernel_initializer=keras.initializers.GlorotUniform(seed=seed),
        kernel_regularizer=_l2(config.l2_kernel),
        bias_initializer=keras.initializers.Constant(bias),
        name=name,
    )


def _l2(factor: float) -> keras.regularizers.Regularizer | None:
    return keras.regularizers.L2(factor) if factor > 0 else None


def _output_bias(config: ModelConfig, train_mean: float | None) -> float:
    if config.output_bias != TRAIN_MEAN:
        return float(config.output_bias)
    if train_mean is None:
        raise ModelsError(
            f'`output_bias` "{TRAIN_MEAN}" needs the mean score of the train part, but got None. '
            "Pass `train_mean`."
        )
    return train_mean


def layer_table(model: keras.Model) -> list[dict[str, object]]:
    """The model's layers in order.

    Returns:
        A row a layer: `name`, `type`, `shape` (of its output, None for the batch), `parameters`,
        `inputs` (names of the layers it reads).
    """
    rows: list[dict[str, object]] = []
    for layer in model.layers:
        output = layer.output
        sources: list[str] = []
        for node in layer._inbound_nodes:
            sources += [tensor._keras_history.operation.name for tensor in node.input_tensors]
        rows.append(
            {
                "name": layer.name,
                "type": type(layer).__name__,
                "shape": tuple(output.shape),
                "parameters": int(layer.count_params()),
                "inputs": tuple(sources),
            }
        )
    return rows


def format_layer_table(model: keras.Model) -> str:
    """The layer table as text, with the total below."""
    rows = layer_table(model)
    lines = [f"{'Layer (type)':<36}{'Output shape':<18}{'Parameters':>11}  Reads"]
    for row in rows:
        inputs = ", ".join(row["inputs"])  # type: ignore[arg-type]
        lines.append(
            f"{row['name']} ({row['type']})".ljust(36)
            + str(row["shape"]).ljust(18)
            + f"{row['parameters']:>11,}  {inputs}".rstrip()
        )
    lines.append(f"Parameters in all: {model.count_params():,}")
    return "\n".join(lines)
