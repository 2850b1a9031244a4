"""The examples in the docstrings of what users import: each name has one, and it holds."""

from __future__ import annotations

import doctest
import inspect
from types import ModuleType

import pytest

_FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def public(package: ModuleType) -> list[str]:
    """The classes and functions that a package exports."""
    found = []
    for name in package.__all__:
        value = getattr(package, name)
        if inspect.isclass(value) or inspect.isfunction(value):
            found.append(name)
    return found


def run_example(package: ModuleType, name: str, **names: object) -> None:
    """Run the examples of one exported name, its methods' included.

    Args:
        package: What exports it.
        name: The name.
        names: What the examples find beside the names of the object's own module.
    """
    value = getattr(package, name)
    module = inspect.getmodule(value)
    tests = doctest.DocTestFinder().find(value, name, module=module, extraglobs=names)
    runner = doctest.DocTestRunner(optionflags=_FLAGS, verbose=False)
    output: list[str] = []
    for test in tests:
        runner.run(test, out=output.append)
    assert runner.tries > 0, f"{package.__name__}.{name} has no example in its docstring"
    if runner.failures:
        pytest.fail("\n".join(output), pytrace=False)
