"""The examples in the docstrings of what users import: each name has one, and it holds."""

from __future__ import annotations

import contextlib
import doctest
import inspect
import linecache
from collections.abc import Iterator
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


@contextlib.contextmanager
def lines_kept() -> Iterator[None]:
    """Let no example look whether files have changed.

    Looking fails where a thread of an earlier test, which still imports, adds lines meanwhile.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(linecache, "checkcache", lambda filename=None: None)
        yield


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
    with lines_kept():
        for test in tests:
            runner.run(test, out=output.append)
    assert runner.tries > 0, f"{package.__name__}.{name} has no example in its docstring"
    if runner.failures:
        pytest.fail("\n".join(output), pytrace=False)
