"""The examples in the docstrings of what `models` exports."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from examples import public, run_example

import models
from models.data import Split

ROOT = Path(__file__).parent.parent.parent
BEFORE_TENSORFLOW_WORKS = ("see_one_gpu", "set_threads")


@pytest.mark.filterwarnings("ignore:__array__ implementation")  # Keras' own, when it saves
@pytest.mark.parametrize("name", [n for n in public(models) if n not in BEFORE_TENSORFLOW_WORKS])
def test_the_example_of_a_public_name_holds(
    name: str, small_split: Split, example_folder: Path
) -> None:
    run_example(models, name, split=small_split, folder=example_folder / "model")


def test_the_examples_of_what_comes_before_tensorflow_works_hold() -> None:
    """In a process of its own: TensorFlow may be at work in this one."""
    code = f"""
import models
from examples import run_example
for name in {BEFORE_TENSORFLOW_WORKS}:
    run_example(models, name)
    print(name)
"""
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path.append('tests/support'){code}"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.stdout.split() == list(BEFORE_TENSORFLOW_WORKS), done.stderr
