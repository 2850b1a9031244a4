from __future__ import annotations

import numpy as np

from models import baseline, build_model, format_layer_table
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
