"""Cases of a test of which `make test` runs some and `make test-all` runs all."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest


def cases(quick: Iterable[Any], others: Iterable[Any]) -> list[Any]:
    """List the values of `pytest.mark.parametrize`, those of `others` marked as slow."""
    mark = pytest.mark.slow
    slow = [pytest.param(*(v if isinstance(v, tuple) else (v,)), marks=mark) for v in others]
    return [*quick, *slow]
