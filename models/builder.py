"""Build a rating network from a configuration.

Family "mlp" concatenates a movie's and a user's vector and passes them through dense layers. Family
"gmf" multiplies the two vectors element by element and weighs the product by one output unit, whose
kernel starts at ones: a dot product at first. Family "gmf" adds a bias for the user and one for the
movie. Family "neumf" is the sum of "mlp" and "gmf", each with vectors of its own. `ModelConfig`
names the papers.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import keras

from models.blocks import (
    dense,
    dropped,
    id_bias,
    product_weights,
    score_unit,
    stretched,
    vector,
)
from models.compiled.origin import Origin, keep_origin, seeds_of
from models.config import ModelConfig
from models.output_unit import OutputUnit


class VocabularySize(Protocol):
    """Row counts of a vocabulary's embedding tables; `models.data.Vocabulary` has this type."""

    @property
    def user_rows(self) -> int:
        """Rows of a user embedding table: one for each known user, one for all unknown users."""

    @property
    def movie_rows(self) -> int:
        """Rows of a movie embedding table: one for each known movie, one for all unknown movies."""


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
        train_mean: Mean of the train scores; needed when the output bias is "train_mean".
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
    codes, seeds = _Codes.of(vocabulary), seeds_of(seed)
    output = OutputUnit(config, train_mean, score_range)
    if config.family == "mlp":
        hidden = _dense_layers(config, codes, seeds)
        score = score_unit(output, config, next(seeds), output.activation)(hidden)
    else:
        score = _sum_of_terms(config, codes, seeds, output)
    model = keras.Model([codes.movie, codes.user], stretched(output, score), name="ratings")
    keep_origin(model, Origin(config, codes.user_rows, codes.movie_rows, score_range))
    return model


@dataclass(frozen=True, kw_only=True, slots=True)
class _Codes:
    """A model's two inputs, movie and user codes, and the row counts of their embedding tables.

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
        """Return two pairs (input, row count of its embedding tables): movie, then user."""
        return (self.movie, self.movie_rows), (self.user, self.user_rows)


def _sum_of_terms(
    config: ModelConfig, codes: _Codes, seeds: Iterator[int], output: OutputUnit
) -> keras.KerasTensor:
    """Build the score of a "gmf" or "neumf" network as a sum of terms, `[batch, 1]`.

    Both families have three terms: the weighted product of the two vectors, the user's bias and
    the movie's bias. In "neumf" the output of the dense layers is a fourth term.
    """
    terms = []
    if config.family == "neumf":
        hidden = _dense_layers(config, codes, seeds)
        terms.append(score_unit(output, config, next(seeds), "linear", "layers")(hidden))
    size = config.factors or config.embedding_size
    factors = [
        vector(code, rows, size, config, next(seeds), "factors") for code, rows in codes.pairs()
    ]
    product = keras.layers.Multiply(name="product")(factors)
    product = dropped(product, config.factor_dropout, seeds, "factor_dropout")
    # "neumf" has a bias already, that of the unit behind its layers.
    terms.append(product_weights(output, with_bias=config.family == "gmf")(product))
    terms += [id_bias(code, rows, config) for code, rows in codes.pairs()]
    total = keras.layers.Add(name="sum")(terms)
    return keras.layers.Activation(output.activation, name="activation")(total)


def _dense_layers(config: ModelConfig, codes: _Codes, seeds: Iterator[int]) -> keras.KerasTensor:
    """Pass movie and user vectors through the hidden layers; return the last one's output."""
    movie_size = config.movie_embedding_size or config.embedding_size
    vectors = [
        vector(codes.movie, codes.movie_rows, movie_size, config, next(seeds), "embedding"),
        vector(
            codes.user, codes.user_rows, config.embedding_size, config, next(seeds), "embedding"
        ),
    ]
    hidden = keras.layers.Concatenate(name="concatenate")(vectors)
    hidden = dropped(hidden, config.embedding_dropout, seeds, "embedding_dropout")
    for number, (units, rate) in enumerate(zip(config.units, config.dropout, strict=True), 1):
        hidden = dense(units, config.activation, config, f"dense_{number}", next(seeds))(hidden)
        dropout_seed = next(seeds)
        if rate > 0:
            hidden = keras.layers.Dropout(rate, seed=dropout_seed, name=f"dropout_{number}")(hidden)
    return hidden
