"""The examples in the docstrings of what `models.data` exports."""

from __future__ import annotations

import pytest
from examples import public, run_example

import models.data
from models.data import Split


@pytest.mark.usefixtures("example_folder")
@pytest.mark.parametrize("name", public(models.data))
def test_the_example_of_a_public_name_holds(name: str, small_split: Split) -> None:
    run_example(models.data, name, split=small_split)
