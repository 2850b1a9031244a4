"""The family of data sets is fixed: a half of it is held out, and may not change."""

from __future__ import annotations

import importlib
import zlib
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

TOP = Path(__file__).parents[2]
SUMS = {
    "low-rank": 3662772743,
    "only-biases": 2863886196,
    "groups": 3048070910,
    "neighbours": 247412209,
    "features": 3170683412,
    "drifting": 2321965309,
    "thumbs": 1204230845,
    "high-rank": 1278050360,
    "long-tail": 3244940630,
}


@pytest.fixture
def family(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(TOP / "benchmarks")
    return importlib.import_module("family")


@pytest.mark.parametrize("name", SUMS)
def test_a_made_up_set_is_the_same_as_when_it_was_fixed(family: ModuleType, name: str) -> None:
    ratings = family.made(name)
    parts = np.stack([np.asarray(column, np.float64) for column in ratings])
    assert zlib.crc32(np.round(parts, 6).tobytes()) == SUMS[name]


def test_a_pair_is_rated_once_and_scores_are_of_their_scale(family: ModuleType) -> None:
    random = np.random.default_rng(0)
    which = family.pairs(random, (40, 30, 500), 0.8)
    assert len(set(zip(*(each.tolist() for each in which), strict=True))) == 500
    assert which.users.max() < 40
    assert which.movies.max() < 30
    scores = family.scaled(random.normal(size=500), -10, 10, 0.5)
    assert (scores.min(), scores.max()) == (-10, 10)
    assert (scores * 2 == np.round(scores * 2)).all()


def test_movies_that_are_rated_often_have_more_of_the_ratings(family: ModuleType) -> None:
    even, skewed = (
        np.sort(np.bincount(family.pairs(np.random.default_rng(1), (900, 100, 9_000), s).movies))
        for s in (0.0, 1.0)
    )
    assert even[-10:].sum() < 0.2 * 9_000 < 0.4 * 9_000 < skewed[-10:].sum()


def test_the_halves_have_no_set_in_common(family: ModuleType) -> None:
    assert not family.TUNING.keys() & family.HELD_OUT.keys()
    assert len(family.TUNING) == len(family.HELD_OUT) == 6
