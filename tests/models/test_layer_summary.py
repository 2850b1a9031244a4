from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest

from models import baseline, build_model, count_parameters, format_layer_table, layer_table
from models.data import Vocabulary


def test_the_layer_table_as_text_names_every_layer_and_the_total() -> None:
    vocabulary = Vocabulary(np.arange(2_390), np.arange(1_648))
    model = build_model(baseline()[0], vocabulary)
    lines = format_layer_table(model).splitlines()
    assert len(lines) == 1 + 13 + 1
    assert lines[-1] == "Parameters in all: 74,937"
    words = lines[7].split()
    assert words == [
        "concatenate",
        "(Concatenate)",
        "(None,",
        "30)",
        "0",
        "movie_vector,",
        "user_vector",
    ]


class _Own(keras.Model):
    def __init__(self) -> None:
        super().__init__()
        self.dense = keras.layers.Dense(2, name="dense")

    def call(self, inputs: Any) -> Any:
        return self.dense(inputs)


@pytest.mark.parametrize(
    "make", [_Own, lambda: keras.Sequential([keras.layers.Dense(2, name="dense")])]
)
def test_a_model_that_its_first_batch_builds_has_a_table_before_it(
    make: Callable[[], keras.Model],
) -> None:
    model = make()
    assert count_parameters(model) is None
    (row,) = layer_table(model)
    assert (row["name"], row["shape"], row["parameters"]) == ("dense", None, None)
    assert format_layer_table(model).splitlines()[-1] == "Parameters in all: -"
    model(np.ones((1, 3), np.float32))
    assert count_parameters(model) == 3 * 2 + 2
    assert layer_table(model)[0]["parameters"] == 8
    assert format_layer_table(model).splitlines()[-1] == "Parameters in all: 8"


def test_what_counts_no_parameters_has_none() -> None:
    assert count_parameters(object()) is None
