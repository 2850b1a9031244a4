"""Studies that are hurt in many ways lose nothing: a short version of `make chaos`."""

from __future__ import annotations

import ast
import importlib
import random
import re
from collections import defaultdict
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

CASES = [
    ("seams", 6), ("random", 6), ("groups", 3), ("children", 6), ("stops", 3), ("clocks", 4),
    ("heard", 4), ("server", 2), ("record", 6), ("full", 3), ("hurt", 6), ("many", 40),
    ("many-on-a-server", 40), ("load", 128), ("seams-on-a-server", 4),
]  # fmt: skip
TOP = Path(__file__).parents[2]


@pytest.fixture
def chaos(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(TOP / "benchmarks")
    return importlib.import_module("chaos")


@pytest.fixture
def _ends_as_for_users(monkeypatch: pytest.MonkeyPatch) -> None:
    """Other tests have a command that is asked to stop take as long as it likes; here it is not."""
    monkeypatch.delenv("TRIALBOOK_ENDS_IN_S", raising=False)


@pytest.mark.slow
@pytest.mark.usefixtures("_ends_as_for_users")
@pytest.mark.parametrize(("name", "times"), CASES)
def test_nothing_is_lost_whatever_happens(chaos: ModuleType, name: str, times: int) -> None:
    assert chaos.run(name, times)["wrong"] == []


def test_every_seam_is_a_method_that_is_there(chaos: ModuleType) -> None:
    faulty = importlib.import_module("faulty")
    for module, owner, method in faulty.SEAMS.values():
        assert callable(getattr(faulty.owner_of(module, owner), method))


def test_every_write_to_mlflow_is_a_seam() -> None:
    faulty = importlib.import_module("faulty")
    verbs = "create|log|set|update|delete|finalize|restore|rename"
    said = re.compile(rf"client(?:\(\))?\.((?:{verbs})\w*)\(")
    sources = (path.read_text() for path in (TOP / "tracking/runs").rglob("*.py"))
    written = {name for source in sources for name in said.findall(source)}
    seams = {method for _, owner, method in faulty.SEAMS.values() if owner == "MlflowClient"}
    assert written == seams | set(faulty.NOT_IN_A_SEARCH)


_CALLS = re.compile(
    r"in_one|_change|(_?set_(study|trial)_(?!param\b)\w+|set_user_attr|_?create_new_(study|trial)|create_study"
    r"|_?set_trial_param|delete_study|enqueue_trial|tell|upgrade|begin)"
)


def _called(function: ast.AST) -> set[str]:
    """The names of what a function calls."""
    called = [node.func for node in ast.walk(function) if isinstance(node, ast.Call)]
    names = {each.id for each in called if isinstance(each, ast.Name)}
    return names | {each.attr for each in called if isinstance(each, ast.Attribute)}


def _writes(function: ast.AST) -> set[str]:
    """The calls of a function by which something is written to Optuna's storage."""
    return {name for name in _called(function) if _CALLS.fullmatch(name)}


_OPTUNAS_OWN = {
    "set_user_attr": {"set_study_user_attr", "set_trial_user_attr"},
    "create_study": {"create_new_study"},
    "enqueue_trial": {"_create_new_trial"},
    "create_new_trial": {"_create_new_trial"},
    "tell": {"set_trial_state_values"},
}
"""What Optuna's methods write by, where that is another method of its storage."""


def _storage_functions() -> dict[str, list[ast.AST]]:
    """The functions and methods of search/storage, by name."""
    functions: dict[str, list[ast.AST]] = defaultdict(list)
    for path in sorted((TOP / "search/storage").rglob("*.py")):
        for outer in ast.parse(path.read_text()).body:
            for each in outer.body if isinstance(outer, ast.ClassDef) else [outer]:
                if isinstance(each, ast.FunctionDef):
                    functions[each.name].append(each)
    return functions


def _without_a_seam(seams: dict[str, tuple[str, str, str]], reasons: set[str]) -> set[str]:
    """The functions of search/storage that write at a place that no seam is around.

    Args:
        seams: As `faulty.SEAMS`.
        reasons: Functions that no search calls.
    """
    functions = _storage_functions()
    at_storage = {method for _, owner, method in seams.values() if owner == "RDBStorage"}
    within = {method for module, _, method in seams.values() if module.startswith("search.")}
    reached: set[str] = set()
    while within - reached:
        reached |= within
        within = {name for each in reached for f in functions.get(each, []) for name in _called(f)}
    return {
        name
        for name, alike in functions.items()
        for each in alike
        for write in _writes(each)
        if name not in reached | reasons and not _OPTUNAS_OWN.get(write, {write}) <= at_storage
    }


def test_every_write_to_optunas_storage_is_within_a_seam() -> None:
    faulty = importlib.import_module("faulty")
    assert _without_a_seam(faulty.SEAMS, set(faulty.NEVER_IN_A_SEARCH)) == set()


def test_no_reason_is_given_for_a_write_that_is_not_there() -> None:
    faulty = importlib.import_module("faulty")
    assert set(faulty.NEVER_IN_A_SEARCH) <= set(_storage_functions())


@pytest.mark.parametrize(
    ("seam", "lacking"),
    [("given", "_store"), ("lease renewed", "renew"), ("new study", "create_with")],
)
def test_a_write_without_its_seam_is_found(seam: str, lacking: str) -> None:
    faulty = importlib.import_module("faulty")
    others = {name: place for name, place in faulty.SEAMS.items() if name != seam}
    assert lacking in _without_a_seam(others, set(faulty.NEVER_IN_A_SEARCH))


@pytest.mark.parametrize(("again", "wrong"), [(0, 0), (2, 1)])
def test_clocks_that_are_set_may_have_no_trial_tried_again(
    again: int, wrong: int, chaos: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = chaos.chaos_world
    for name in ("ended", "settled"):
        monkeypatch.setattr(world, name, lambda *_: iter(()))
    home = SimpleNamespace(
        path=tmp_path / "home", start=lambda *_: None, goes_on=lambda times: False,
        tried_again=lambda: again,
    )  # fmt: skip
    assert len(list(world.clocks(home, 4, random.Random(0)))) == wrong
