"""What goes out as JSON."""

from __future__ import annotations

import json
import math

import numpy as np

from search.export import strict_json


def test_a_number_that_is_none_is_null_wherever_it_stands() -> None:
    values = {
        "nan": math.nan,
        "inf": [-math.inf, (math.inf, 0.0)],
        "numpy": np.float64("nan"),
        "text": "NaN",
        "deep": {"a": [{"b": math.nan}]},
    }

    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    assert json.loads(strict_json(values), parse_constant=refuse) == {
        "nan": None,
        "inf": [None, [None, 0.0]],
        "numpy": None,
        "text": "NaN",
        "deep": {"a": [{"b": None}]},
    }
