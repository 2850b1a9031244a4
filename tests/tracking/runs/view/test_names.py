"""Names of runs, from the parameters of any model."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hostile import NAMES

from tracking import TrialRecord
from tracking.runs.view.names import run_name

Make = Callable[..., TrialRecord]


@pytest.mark.parametrize(
    ("params", "name"),
    [
        ({"family": "gmf", "factors": 8}, "t003 0.9000 gmf f8"),
        ({"family": "mlp", "embedding_size": 15, "layers": 3, "units_1": 128, "units_2": 64,
          "units_3": 32}, "t003 0.9000 mlp e15 128/64/32"),
        ({"family": "neumf", "factors": 17, "embedding_size": 21, "layers": 1, "units_1": 32},
         "t003 0.9000 neumf f17 e21 32"),
        ({"family": "mlp"}, "t003 0.9000 mlp"),
        ({}, "t003 0.9000"),
        ({"rate": 0.00012345, "depth": 2, "more": 1}, "t003 0.9000 rate=0.000123 depth=2"),
        ({"two\nlines": "\x1b[31mred"}, "t003 0.9000 two\\nlines=\\x1b[31mred"),
    ],
)  # fmt: skip
def test_a_name_says_what_was_tried_and_what_it_gave(
    params: dict, name: str, make_trial: Make
) -> None:
    assert run_name(make_trial(3, 0.9, params=params)) == name


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_short_and_seen_whatever_users_call_their_parameters(
    name: str, make_trial: Make
) -> None:
    told = run_name(make_trial(3, float("nan"), params={name: name, "b": name}, state="failed"))
    assert told.isprintable()
    assert len(told) <= 100
    assert told.startswith("t003 ")
    assert told.endswith(" (failed)")
