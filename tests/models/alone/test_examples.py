"""The examples in the docstrings of what `models.alone` exports."""

from __future__ import annotations

from pathlib import Path

import pytest
from examples import public, run_example

from models import ModelConfig, TrainConfig, alone
from models.alone import Recipe, rebuilding
from models.data import Split

RECIPE = Recipe(
    model=ModelConfig(embedding_size=2, units=(), dropout=()), train=TrainConfig(epochs=3), seed=1
)


@pytest.mark.parametrize("name", public(alone))
def test_the_example_of_a_public_name_holds(name: str, small_split: Split, tmp_path: Path) -> None:
    run_example(alone, name, split=small_split, folder=tmp_path / "model", RECIPE=RECIPE)


@pytest.mark.filterwarnings("ignore:__array__ implementation")  # Keras' own, when it saves
@pytest.mark.parametrize("name", ["rebuild", "save_kept"])
def test_so_do_those_of_what_makes_keras_models(
    name: str, small_split: Split, tmp_path: Path
) -> None:
    run_example(rebuilding, name, split=small_split, folder=tmp_path, RECIPE=RECIPE)
