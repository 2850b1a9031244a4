"""Weights counted from a configuration are those of the model that is built of it."""

from __future__ import annotations

import numpy as np
import pytest

from models import ModelConfig, build_model
from models.config import FAMILIES
from models.data import Vocabulary
from models.size import count_weights

LAYERS = {"units": (7, 3), "dropout": (0.5, 0.0)}


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize(
    "more", [{}, {"movie_embedding_size": 4}, {"factors": 6}, {"units": (), "dropout": ()}]
)
def test_the_count_is_that_of_the_built_model(family: str, more: dict[str, object]) -> None:
    layers = {"units": (), "dropout": ()} if family == "gmf" else LAYERS
    config = ModelConfig(family=family, embedding_size=5, **(layers | more))
    vocabulary = Vocabulary(np.arange(5), np.arange(9))
    rows = {"user_rows": vocabulary.user_rows, "movie_rows": vocabulary.movie_rows}
    assert count_weights(config, **rows) == build_model(config, vocabulary).count_params()


def test_the_published_network_by_hand() -> None:
    """15 numbers a row, then dense layers of 30, 128, 64, 32 and 1, each with a bias a unit."""
    table = ModelConfig()
    dense = 31 * 128 + 129 * 64 + 65 * 32 + 33
    assert count_weights(table, user_rows=2, movie_rows=3) == 15 * 5 + dense
