"""Every library that the code imports is declared, so that an empty environment gets it."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

ROOT = Path(__file__).parents[2]
OWN = ("models", "search", "tracking")

ANOTHER = {
    "IPython": "in a notebook, which has it: it is what runs the cells",
    "llvmlite": "numba, whose every release needs one release of it",
}
"""What is imported without being declared, and what brings it."""


def _imports() -> Iterator[tuple[str, str]]:
    """Each module of the code, and the first part of each name that it imports."""
    for own in OWN:
        for path in sorted((ROOT / own).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                names = [each.name for each in node.names] if isinstance(node, ast.Import) else []
                if isinstance(node, ast.ImportFrom) and not node.level and node.module:
                    names = [node.module]
                for name in names:
                    yield str(path.relative_to(ROOT)), name.partition(".")[0]


def _declared() -> set[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    lines = [*project["dependencies"], *(line for n in extras if n != "dev" for line in extras[n])]
    return {_canonical(re.split(r"[\[<>=!~; ]", line)[0]) for line in lines}


def _canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_every_imported_library_is_declared() -> None:
    declared, known = _declared(), packages_distributions()
    imported = {
        (name, path)
        for path, name in _imports()
        if name not in sys.stdlib_module_names and name not in (*OWN, *ANOTHER)
    }
    assert {name for name, _ in imported} >= {"click", "mlflow", "numba", "optuna"}
    # A library of an extra that is not installed here has its own name.
    for name, path in sorted(imported):
        assert declared & {_canonical(each) for each in known.get(name, [name])}, f"{path}: {name}"
