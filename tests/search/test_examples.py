"""The examples in the docstrings of `search`: of what users import, and of every formula."""

from __future__ import annotations

import doctest
import importlib
import shutil
from pathlib import Path
from typing import Any

import pytest
import tuned
from examples import lines_kept, run_example

import search
from search.storage.studies import Studies
from tracking import Store

PACKAGE = Path(search.__file__).parent

# What users import, and what a contributor meets first: each has an example.
FIRST_MET = (
    ("search", "SearchError"),
    ("search", "Silent"),
    ("search", "StudyConfig"),
    ("search", "StudyResult"),
    ("search.oracle", "OptunaOracle"),
    ("search.winner", "find_winner"),
    ("search.reproduce", "reproduce"),
    ("search.storage.studies", "Studies"),
    ("search.space.parameters", "Parameter"),
    ("search.space.distributions", "SpaceAdapter"),
    ("search.storage.trial_attributes", "TrialPlan"),
    ("search.cost.estimate", "Rehearsal"),
    ("search.cost.epochs", "EpochCost"),
    ("search.cost.estimate", "plan_from"),
)
# Their examples need a study, a store or a model, which are given to them below.
_WITH_NAMES = (
    "search.study.run",
    "search.oracle.oracle",
    "search.winner.decide",
    "search.reproduce.run",
    "search.storage.studies",
)


def _with_examples() -> list[str]:
    """Modules whose examples need nothing but the module."""
    modules = []
    for path in sorted(PACKAGE.rglob("*.py")):
        name = ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts)
        if name not in _WITH_NAMES and ">>> " in path.read_text(encoding="utf-8"):
            modules.append(name)
    return modules


@pytest.fixture(scope="module")
def finished(
    ratings_file: Path, empty_home: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Any]:
    """What the example of `run_study` leaves, for the others: the finished study "tiny"."""
    home = tmp_path_factory.mktemp("examples") / "mlruns"
    shutil.copytree(empty_home, home)
    names = {"home": home, "ratings": str(ratings_file)}
    run_example(search, "run_study", **names)
    return names


def test_the_example_of_run_study_holds(finished: dict[str, Any]) -> None:
    assert len(Studies(Store(finished["home"])).record("tiny").ranked()) == 2


@pytest.mark.filterwarnings(  # Keras Tuner's and Keras' own
    "ignore:currentThread:DeprecationWarning",
    "ignore:getName:DeprecationWarning",
    "ignore:__array__ implementation:DeprecationWarning",
)
@pytest.mark.parametrize(("module", "name"), FIRST_MET)
def test_the_example_of_what_is_met_first_holds(
    module: str, name: str, finished: dict[str, Any], home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(home.parent)
    names = {"build": tuned.build, "x": tuned.X, "y": tuned.Y, "store": Store(home)}
    run_example(importlib.import_module(module), name, **finished, **names)


@pytest.mark.parametrize("module", _with_examples())
def test_every_other_example_of_a_module_holds(module: str) -> None:
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    with lines_kept():
        results = doctest.testmod(importlib.import_module(module), optionflags=flags)
    assert results.attempted > 0
    assert results.failed == 0, f"an example of {module} fails; see above"
