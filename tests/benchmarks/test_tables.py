"""The documents quote the benchmarks' latest figures, and nothing else."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

TOP = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def tables() -> ModuleType:
    spec = importlib.util.spec_from_file_location("tables", TOP / "benchmarks" / "tables.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["tables"] = module
    spec.loader.exec_module(module)
    return module


def test_the_documents_hold_what_the_benchmarks_found_last(tables: ModuleType) -> None:
    places = tables.places()
    assert {"figures", "speed"} <= {name for _, name, _ in places}
    for path, name, text in places:
        page = path.read_text(encoding="utf-8")
        assert tables.placed(page, name, text) == page


def test_a_goal_that_is_missed_says_so(tables: ModuleType) -> None:
    pair = {"keras": {"epoch_s": 0.3}, "fast": {"epoch_s": 0.1}}
    found = {"batch_size": "256", "ratio": 3.0, "pairs": [pair]}
    ((what, keras, fast, ratio, goal),) = tables._batch(found)
    assert "256 rows" in what
    assert (keras, fast, ratio, goal) == ("0.300 s", "0.100 s", "3.00", "3")
    assert tables._batch(found | {"ratio": 2.9})[0][-1] == "3: not met"
    old, new = (f"a\n<!-- x: benchmarks/tables.py -->\n{t}\n<!-- end of x -->\nb" for t in "on")
    assert tables.placed(old, "x", "n") == new
