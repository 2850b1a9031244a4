"""Limits in words."""

from __future__ import annotations

import re

import pytest

from search.config.limits import Limits, too_heavy, too_long


@pytest.mark.parametrize(
    "said",
    [
        too_long(0.012, 0.0, Limits(seconds=0.01)),
        too_long(2.0004, 0.0, Limits(seconds=2.0)),
        too_long(1_234_567.01, 0.0, Limits(seconds=1_234_567.0)),
        too_long(0.0, 1000.2, Limits(memory_mb=1000.0)),
        too_heavy(1001, Limits(memory_mb=0.016)),
    ],
)
def test_a_line_never_contradicts_itself(said: str) -> None:
    figure, most = (float(each.replace(",", "")) for each in re.findall(r"[\d,]*\d[\d.]*", said))
    assert figure > most


def test_a_figure_has_no_more_digits_than_it_needs() -> None:
    assert too_long(12.3456, 0.0, Limits(seconds=10.0)).startswith("12.3 s ")
    assert too_long(0.0, 12.6, Limits(memory_mb=10.0)).startswith("13 MB ")
