"""Build a rating network from a configuration.

Family "mlp" concatenates a movie's and a user's vector and reads them by dense layers. Family "gmf"
multiplies two vectors unit by unit and weighs the product by one output unit, whose kernel starts
at ones: a dot product at first. It adds a bias for the user and one for the movie. Family "neumf"
is the sum of both, each with vectors of its own. `ModelConfig` names the papers.

Initial values are Keras' own: uniform within +-0.05 for tables, zeros for biases, Glorot uniform
for kernels.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
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
    """Build the network that `config` describes: movie and user codes in, a score out.

    Args:
        config: Family, sizes, rates, activations and penalties.
        vocabulary: Gives the rows of every embedding table.
        train_mean: Mean score of the train part; needed when the output bias is "train_mean".
        score_range: Least and greatest score; needed for a scaled sigmoid.
        seed: Seeds initial values and dropout masks, a stream for each layer.

    Returns:
        The model, not compiled. Its inputs are "movie" and "user", in this order, each `[batch, 1]`
        of integer codes; its output is `[batch, 1]`.

    Raises:
        ModelsError: `train_mean` or `score_range` is needed and not given.

    Example:
        >>> config = ModelConfig(embedding_size=2, units=(), dropout=())
        >>> model = build_model(config, split.vocabulary)  # of 2 users and 3 movies
        >>> model.count_params()  # tables 3 x 2 and 4 x 2, output 4 weights and a bias
        19
    """
    output = _Output(config, train_mean, score_range)
    codes, seeds = _Codes.of(vocabulary), _seeds(seed)
    if config.family == "mlp":
        hidden = _dense_layers(config, codes, seeds)
        score = output.unit(next(seeds), output.activation)(hidden)
    else:
        score = _sum_of_terms(config, codes, seeds, output)
    return keras.Model([codes.movie, codes.user], output.stretched(score), name="ratings")


def _seeds(seed: int) -> Iterator[int]:
    """Make the seeds of one model's layers, each to be taken once."""
    first = seed % 2**32 * 1000
    return iter(range(first, first + 999))


@dataclass(frozen=True, kw_only=True, slots=True)
class _Codes:
    """The model's two inputs, and how many rows the tables that they index have.

    Attributes:
        movie: Movie codes, `[batch, 1]`.
        user: User codes, `[batch, 1]`.
        movie_rows: Rows of a table of movies.
        user_rows: Rows of a table of users.
    """

    movie: keras.KerasTensor
    user: keras.KerasTensor
    movie_rows: int
    user_rows: int

    @classmethod
    def of(cls, vocabulary: VocabularySize) -> _Codes:
        """Make the inputs of a model for a vocabulary."""
        return cls(
            movie=keras.Input((1,), dtype="int32", name="movie"),
            user=keras.Input((1,), dtype="int32", name="user"),
            movie_rows=vocabulary.movie_rows,
            user_rows=vocabulary.user_rows,
        )

    def pairs(self) -> tuple[tuple[keras.KerasTensor, int], ...]:
        """Each input and its rows, the movie's first."""
        return (self.movie, self.movie_rows), (self.user, self.user_rows)


class _Output:
    """The output unit: its initial bias, its activation, and the range of its scores."""

    def __init__(
        self,
        config: ModelConfig,
        train_mean: float | None,
        score_range: tuple[float, float] | None,
    ) -> None:
        self._config = config
        self._range = score_range
        self._is_scaled = config.output_activation == "scaled_sigmoid"
        if self._is_scaled and score_range is None:
            raise ModelsError(
                "A scaled sigmoid needs the least and the greatest score, but got None. "
                "Pass `score_range`."
            )
        self._bias = self._before_activation(_initial_score(config, train_mean))

    @property
    def activation(self) -> str:
        """The activation under the name that Keras has for it."""
        return "sigmoid" if self._is_scaled else self._config.output_activation

    def _before_activation(self, score: float) -> float:
        """The bias that gives a score: for a scaled sigmoid, the logit of its place in the range.

        In a range from 1 to 5 a score of 4 has the place 0.75 and the bias log(3) = 1.0986.
        """
        if not self._is_scaled or self._range is None:
            return score
        low, high = self._range
        place = min(max((score - low) / max(high - low, 1e-9), _MARGIN), 1 - _MARGIN)
        return math.log(place / (1 - place))

    def unit(self, seed: int, activation: str, name: str = "score") -> keras.layers.Layer:
        """Make the output unit that reads the dense layers."""
        return _dense(1, activation, self._config, name, seed, self._bias)

    def product_weights(self, *, with_bias: bool) -> keras.layers.Layer:
        """Make the output unit that weighs the product of the vectors."""
        return keras.layers.Dense(
            1,
            use_bias=with_bias,
            kernel_initializer="ones",
            bias_initializer=keras.initializers.Constant(self._bias),
            name="product_weights",
        )

    def stretched(self, score: keras.KerasTensor) -> keras.KerasTensor:
        """Stretch a sigmoid, 0 to 1, over the range of scores; leave any other output as it is."""
        if not self._is_scaled or self._range is None:
            return score
        low, high = self._range
        return keras.layers.Rescaling(high - low, offset=low, name="scaled")(score)


def _initial_score(config: ModelConfig, train_mean: float | None) -> float:
    """The score that an untrained model should predict."""
    if config.output_bias != TRAIN_MEAN:
        return float(config.output_bias)
    if train_mean is None:
        raise ModelsError(
            f'`output_bias` "{TRAIN_MEAN}" needs the mean score of the train part, but got None. '
            "Pass `train_mean`."
        )
    return train_mean


def _sum_of_terms(
    config: ModelConfig, codes: _Codes, seeds: Iterator[int], output: _Output
) -> keras.KerasTensor:
    """Build "gmf", product and biases, or "neumf", dense layers too: their sum, `[batch, 1]`."""
    terms = []
    if config.family == "neumf":
        hidden = _dense_layers(config, codes, seeds)
        terms.append(output.unit(next(seeds), "linear", name="layers")(hidden))
    size = config.factors or config.embedding_size
    factors = [
        _vector(code, rows, size, config, next(seeds), "factors") for code, rows in codes.pairs()
    ]
    product = keras.layers.Multiply(name="product")(factors)
    product = _dropped(product, config.factor_dropout, seeds, "factor_dropout")
    # "neumf" has a bias already, that of the unit behind its layers.
    terms.append(output.product_weights(with_bias=config.family == "gmf")(product))
    terms += [_bias(code, rows, config) for code, rows in codes.pairs()]
    total = keras.layers.Add(name="sum")(terms)
    return keras.layers.Activation(output.activation, name="activation")(total)


def _dense_layers(config: ModelConfig, codes: _Codes, seeds: Iterator[int]) -> keras.KerasTensor:
    """Concatenate both vectors and read them by the hidden layers: `[batch, last width]`."""
    movie_size = config.movie_embedding_size or config.embedding_size
    vectors = [
        _vector(codes.movie, codes.movie_rows, movie_size, config, next(seeds), "embedding"),
        _vector(
            codes.user, codes.user_rows, config.embedding_size, config, next(seeds), "embedding"
        ),
    ]
    hidden = keras.layers.Concatenate(name="concatenate")(vectors)
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
    """Put a dropout layer behind a value; a rate of 0 adds none and takes no seed."""
    if rate == 0:
        return value
    return keras.layers.Dropout(rate, seed=next(seeds), name=name)(value)


def _vector(
    code: keras.KerasTensor, rows: int, size: int, config: ModelConfig, seed: int, kind: str
) -> keras.KerasTensor:
    """Look codes up in a new embedding table: `[batch, size]`."""
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
    """Look codes up in a new table of biases: `[batch, 1]`."""
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
    """Make a dense layer whose bias starts at one value for all units."""
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
