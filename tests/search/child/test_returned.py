"""What a user's `fit` returned, and what is refused of it."""

from __future__ import annotations

from typing import Any

import keras_tuner
import numpy as np
import pytest
from keras_tuner.src.engine.tuner_utils import convert_to_metrics_dict

from search.child.returned import mean_of, values_of
from search.errors import SearchError


@pytest.mark.parametrize("returned", [True, False, {"score": True}, [True, False]])
def test_truth_values_are_the_numbers_that_keras_tuner_takes_them_for(returned: Any) -> None:
    theirs = convert_to_metrics_dict(returned, keras_tuner.Objective("score", "max"))["score"]
    assert mean_of(values_of(returned, (), "score", -1.0)) == theirs


def test_a_truth_value_of_numpy_is_refused_as_keras_tuner_refuses_it() -> None:
    with pytest.raises(SearchError, match="bool"):
        values_of(np.bool_(True), (), "score", -1.0)


def test_an_empty_list_is_said_to_be_empty() -> None:
    for returned, kind in (([], "list"), ((), "tuple"), ([1.0, []], "list")):
        with pytest.raises(SearchError, match=f"returned an empty {kind}"):
            values_of(returned, (), "score", -1.0)


def test_a_list_under_the_objective_is_told_with_the_way_out() -> None:
    history = {"score": [0.5, 0.25], "loss": [1.0, 2.0]}
    with pytest.raises(SearchError, match=r"'score'.* a list of 2 .*`return history` works"):
        values_of(history, (), "score", -1.0)


def test_any_other_value_under_the_objective_is_told_by_its_type() -> None:
    with pytest.raises(SearchError, match=r"'score'.* str ") as caught:
        values_of({"score": "good", "loss": 1.0}, (), "score", -1.0)
    assert "history" not in str(caught.value)
