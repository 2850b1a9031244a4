"""What a start of `search` mends of the record, and the line that it says."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from search.mending.at_start import is_whole, mend_at_start
from search.mending.differences import Difference, Kind


class Mending:
    """Has differences, and mends them until MLflow is away."""

    def __init__(self, found: Sequence[Difference], away_after: int = 1000) -> None:
        self._found = found
        self._left = away_after

    def find(self) -> list[Difference]:
        return list(self._found)

    def mend(self, found: Sequence[Difference]) -> Iterator[Difference]:
        for each in found:
            if each.is_mendable:
                if self._left == 0:
                    raise ConnectionError("away")
                self._left -= 1
                yield each


def _of(*numbers: int, kind: Kind = Kind.LACKING, text: str = "") -> list[Difference]:
    return [Difference(kind=kind, number=number, text=text) for number in numbers]


WON = _of(2, kind=Kind.WINNER, text="Its model is gone.")


@pytest.mark.parametrize(
    ("found", "said"),
    [
        ([], ""),
        (_of(1), "The record of trial 1 was incomplete in MLflow, and is mended."),
        (_of(4, 1, 4), "The record of trials 1, 4 was incomplete in MLflow, and is mended."),
        (_of(*range(11)), "The record of 11 trials was incomplete in MLflow, and is mended."),
        (
            [*_of(1), *WON],
            "The record of trial 1 and of the winner was incomplete in MLflow, and is mended. "
            "Its model is gone.",
        ),
        (_of(3, kind=Kind.MODEL), ""),
        (_of(20), ""),  # it had not ended at the start
    ],
)
def test_one_line_says_what_was_mended(found: list[Difference], said: str) -> None:
    mending: Any = Mending(found)
    assert mend_at_start(mending, range(12)) == said
    assert is_whole(mending, range(12)) == (not said)


def test_what_was_mended_before_mlflow_went_away_is_said() -> None:
    mending: Any = Mending(_of(0, 1, 2), away_after=2)
    said = mend_at_start(mending, range(12))
    assert said == "The record of trials 0, 1 was incomplete in MLflow, and is mended."
