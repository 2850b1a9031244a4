"""The examples in the docstrings of `search` hold, wherever they stand.

Those of `models` and `tracking` are run beside their own tests, which also ask for one on each name
that is exported.
"""

from __future__ import annotations

import doctest
import io
from importlib import import_module
from pathlib import Path

import pytest

from tracking import Store

ROOT = Path(__file__).parent.parent.parent
_FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE

# Shown, not run: it trains; tests/search/oracle does the same with a real tuner.
_NOT_RUN = ("search/oracle/oracle.py",)


def _with_examples() -> list[str]:
    paths = sorted((ROOT / "search").rglob("*.py"))
    found = [p.relative_to(ROOT).as_posix() for p in paths if ">>> " in p.read_text("utf-8")]
    return [path for path in found if path not in _NOT_RUN]


@pytest.mark.parametrize("path", _with_examples())
def test_an_example_holds(path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    module = import_module(path.removesuffix(".py").replace("/", "."))
    home = tmp_path / "mlruns"
    home.mkdir()
    given = {"store": Store(home)}
    runner, told = doctest.DocTestRunner(optionflags=_FLAGS), io.StringIO()
    for test in doctest.DocTestFinder().find(module, extraglobs=given):
        runner.run(test, out=told.write)
    assert runner.tries, "Give the example a place that doctest finds."
    assert not runner.failures, told.getvalue()
