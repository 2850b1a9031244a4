"""The examples in the docstrings of what `tracking` exports."""

from __future__ import annotations

from pathlib import Path

import pytest
from examples import public, run_example

import tracking


@pytest.mark.parametrize("name", public(tracking))
@pytest.mark.usefixtures("store")  # the examples' "mlruns", made once and copied
def test_the_example_of_what_is_exported_holds(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    run_example(tracking, name)
