"""How many weights a rating model has, worked out from its configuration without building it."""

from __future__ import annotations

from itertools import pairwise

from models.config import ModelConfig


def count_weights(config: ModelConfig, *, user_rows: int, movie_rows: int) -> int:
    """Count the weights of the model that `models.build_model` makes of a configuration.

    A table of vectors has its rows times the vectors' length; a dense layer of n inputs and m units
    has (n + 1) m weights, its biases among them.

    Args:
        config: The model.
        user_rows: Rows of a table of users: the known ones, and one for all unknown ones.
        movie_rows: The same for movies.

    Example:
        3 users and 4 movies, vectors of 2: tables of 6 and 8 weights, an output of 4 and a bias.

        >>> config = ModelConfig(embedding_size=2, units=(), dropout=())
        >>> count_weights(config, user_rows=3, movie_rows=4)
        19
    """
    weights = 0
    if config.family in ("mlp", "neumf"):
        movie_size = config.movie_embedding_size or config.embedding_size
        weights += user_rows * config.embedding_size + movie_rows * movie_size
        widths = (config.embedding_size + movie_size, *config.units, 1)
        weights += sum((inputs + 1) * units for inputs, units in pairwise(widths))
    if config.family in ("gmf", "neumf"):
        factors = config.factors or config.embedding_size
        # The vectors, a bias for each user and movie, and the weights of the product.
        weights += (user_rows + movie_rows) * (factors + 1) + factors
        weights += config.family == "gmf"  # whose product has a bias; layers have one of their own
    return weights
