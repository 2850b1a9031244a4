from __future__ import annotations

import subprocess
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

import models

ROOT = Path(__file__).parent.parent.parent


def test_importing_models_does_not_import_tensorflow() -> None:
    code = "import sys, models, models.data; print({'tensorflow', 'keras'} & set(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "set()"


@pytest.mark.parametrize("name", models.__all__)
def test_every_name_of_models_is_there(name: str) -> None:
    assert getattr(models, name) is not None


def test_an_unknown_name_of_models_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="nothing_like_it"):
        _ = models.nothing_like_it


@pytest.mark.parametrize("name", ["models", "search", "tracking"])
def test_each_package_belongs_to_this_distribution_alone(name: str) -> None:
    assert set(packages_distributions()[name]) == {"trialbook"}


def test_the_packages_import_one_another_as_agreed() -> None:
    command = Path(sys.executable).parent / "lint-imports"
    done = subprocess.run(
        [command, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
