"""From a configuration to an uncompiled Keras model."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Protocol

import keras

from models.config import TRAIN_MEAN, ModelConfig
from models.errors import ModelsError

_MARGIN = 0.01  # a sigmoid that starts at its very end hardly learns


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
    score_range: tuple[float, float] | None = None,
    seed: int = 42,
) -> keras.Model:
    """Build the network that `config` describes.

    Two inputs, movie first, each `[batch, 1]` of integer codes; one output `[batch, 1]`.

    The family "mlp" looks each up in its table (`[batch, 1, embedding_size]`), flattens and
    concatenates them (`[batch, 2 * embedding_size]`) and reads that by the dense layers, each
    followed by its dropout, and one output unit. "gmf" multiplies two vectors of `factors` unit by
    unit and weighs them by one output unit whose kernel starts at ones, which makes it a dot
    product at first; a bias a user and a movie is added. What the dense layers and that output
    unit read goes through `embedding_dropout` and `factor_dropout` first. "neumf" adds up both, the
    vectors not shared. Initial values are Keras' own: uniform in +-0.05 for tables, zeros for the
    biases, Glorot uniform for kernels.

    Args:
        config: Family, sizes, rates, activations and penalties.
        vocabulary: Gives the rows of every table.
        train_mean: Mean score of the train part; needed when the output bias is "train_mean".
        score_range: Least and greatest score; needed for a scaled sigmoid.
        seed: Seeds initial values and dropout masks, each layer its own stream.

    Returns:
        The model, not compiled.

    Raises:
        ModelsError: The output bias is "train_mean" and no mean was given, or the output is a
            scaled sigmoid and no range was given.
    """
    first_seed = seed % 2**32 * 1000
    seeds = iter(range(first_seed, first_seed + 999))
    movie = keras.Input((1,), dtype="int32", name="movie")
    user = keras.Input((1,), dtype="int32", name="user")
    codes = {movie: vocabulary.movie_rows, user: vocabulary.user_rows}
    output = _Output(config, train_mean, score_range)
    if config.family == "mlp":
        hidden = _read_by_layers(config, codes, seeds)
        score = output.finished(output.unit(next(seeds), output.fused)(hidden))
        return keras.Model([movie, user], score, name="ratings")
    parts = []
    if config.family == "neumf":
        hidden = _read_by_layers(config, codes, seeds)
        parts.append(output.unit(next(seeds), "linear", name="layers")(hidden))
    product = keras.layers.Multiply(name="product")(
        [
            _vector(
                code, rows, config.factors or config.embedding_size, config, next(seeds), "factors"
            )
            for code, rows in codes.items()
        ]
    )
    product = _dropped(product, config.factor_dropout, seeds, "factor_dropout")
    parts.append(output.weights(with_bias=config.family == "gmf")(product))
    parts += [_bias(code, rows, config) for code, rows in codes.items()]
    total = keras.layers.Add(name="sum")(parts)
    total = keras.layers.Activation(output.fused, name="activation")(total)
    return keras.Model([movie, user], output.finished(total), name="ratings")


class _Output:
    """What turns the last layer into a score."""

    def __init__(
        self,
        config: ModelConfig,
        train_mean: float | None,
        score_range: tuple[float, float] | None,
    ) -> None:
        self._config = config
        self._range = score_range
        self._scaled = config.output_activation == "scaled_sigmoid"
        if self._scaled and score_range is None:
            raise ModelsError(
                "A scaled sigmoid needs the least and the greatest score, but got None. "
                "Pass `score_range`."
            )
        self._bias = self._before_activation(_output_bias(config, train_mean))

    @property
    def fused(self) -> str:
        """The activation that Keras knows by name."""
        return "sigmoid" if self._scaled else self._config.output_activation

    def _before_activation(self, score: float) -> float:
        if not self._scaled or self._range is None:
            return score
        low, high = self._range
        share = min(max((score - low) / max(high - low, 1e-9), _MARGIN), 1 - _MARGIN)
        return math.log(share / (1 - share))

    def unit(self, seed: int, activation: str, name: str = "score") -> keras.layers.Layer:
        """The output unit that reads the dense layers."""
        return _dense(1, activation, self._config, name, seed, self._bias)

    def weights(self, *, with_bias: bool) -> keras.layers.Layer:
        """The output unit that reads the product of the vectors."""
        return keras.layers.Dense(
            1,
            use_bias=with_bias,
            kernel_initializer="ones",
            bias_initializer=keras.initializers.Constant(self._bias),
            name="product_weights",
        )

    def finished(self, value: keras.KerasTensor) -> keras.KerasTensor:
        """Stretch a sigmoid from the least score to the greatest."""
        if not self._scaled or self._range is None:
            return value
        low, high = self._range
        return keras.layers.Rescaling(high - low, offset=low, name="scaled")(value)


def _read_by_layers(
    config: ModelConfig, codes: dict[keras.KerasTensor, int], seeds: Iterator[int]
) -> keras.KerasTensor:
    movie, user = codes
    movie_size = config.movie_embedding_size or config.embedding_size
    towers = [
        _vector(movie, codes[movie], movie_size, config, next(seeds), "embedding"),
        _vector(user, codes[user], config.embedding_size, config, next(seeds), "embedding"),
    ]
    hidden = keras.layers.Concatenate(name="concatenate")(towers)
    hidden = _dropped(hidden, config.embedding_dropout, seeds, "embedding_dropout")
    for number, (units, rate) in enumerate(zip(config.units, config.dropout, strict=True), 1):
        hidden = _dense(units, config.activation, config, f"dense_{number}", next(seeds))(hidden)
        dropout_seed = next(seeds)
        if rate > 0:
            hidden = keras.layers.Dropout(rate, seed=dropout_seed, name=f"dropout_{number}")(hidden)
    return hidden


def _dropped(
    value: keras.KerasTensor, rate: float, seeds: Iterator[int], name: str
) -> keras.KerasTensor:
    """The value behind a dropout layer; a rate of 0 leaves it as it is, and takes no seed."""
    if rate == 0:
        return value
    return keras.layers.Dropout(rate, seed=next(seeds), name=name)(value)


def _vector(
    code: keras.KerasTensor, rows: int, size: int, config: ModelConfig, seed: int, kind: str
) -> keras.KerasTensor:
    table = keras.layers.Embedding(
        rows,
        size,
        embeddings_initializer=keras.initializers.RandomUniform(-0.05, 0.05, seed=seed),
        embeddings_regularizer=_l2(config.l2_embedding),
        name=f"{code.name}_{kind}",
    )
    name = "vector" if kind == "embedding" else f"{kind}_vector"
    return keras.layers.Flatten(name=f"{code.name}_{name}")(table(code))


def _bias(code: keras.KerasTensor, rows: int, config: ModelConfig) -> keras.KerasTensor:
    table = keras.layers.Embedding(
        rows,
        1,
        embeddings_initializer="zeros",
        embeddings_regularizer=_l2(config.l2_bias),
        name=f"{code.name}_bias",
    )
    return keras.layers.Flatten(name=f"{code.name}_bias_value")(table(code))


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
