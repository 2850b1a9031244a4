"""What a study searches, in words."""

from __future__ import annotations

from typing import Any

import pytest

from search.config.description import describe
from search.config.study import StudyConfig


@pytest.mark.parametrize(
    ("settings", "first"),
    [
        ({}, "**s** searches rating models for the lowest val_rmse."),
        (
            {"objectives": ["val_rmse", "parameters", "memory"], "pruner": "none"},
            "**s** searches rating models for the lowest val_rmse and few parameters and little "
            "memory.",
        ),
        (
            {"model": "as-written"},
            "**s** searches the published code as it was written for the lowest val_rmse.",
        ),
        (
            {"model": "wine:Wine", "objective": "val_accuracy:max"},
            "**s** searches the model `wine:Wine` for the highest val_accuracy.",
        ),
        (
            {"model": "keras_tuner:Tuner", "objective": "val_loss:min"},
            "**s** searches the models of a Keras Tuner tuner for the lowest val_loss.",
        ),
    ],
)
def test_the_first_sentence_says_what_is_searched_for_what(
    settings: dict[str, Any], first: str
) -> None:
    told = describe(StudyConfig(name="s", **settings), None)
    assert told.split("\n\n")[0] == first
