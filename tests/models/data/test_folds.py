"""Folds of the train part."""

from __future__ import annotations

import numpy as np
import pytest

from models import ModelsError
from models.data import Part, Split, Vocabulary, fold_of


def _split(rows: int) -> Split:
    def part(start: int, count: int) -> Part:
        codes = np.zeros(count, np.int32)
        return Part(codes, codes, np.ones(count, np.float32), np.arange(start, start + count))

    ids = np.arange(3)
    return Split(
        "random", 0, part(0, rows), part(100, 5), part(200, 5), Vocabulary(ids, ids), 0, {}, ()
    )


def test_every_row_is_held_out_once_and_trained_on_otherwise() -> None:
    split = _split(11)
    held: list[int] = []
    for number in (1, 2, 3):
        fold = fold_of(split, number, 3, seed=5)
        assert set(fold.train.rows) | set(fold.valid.rows) == set(range(11))
        assert not set(fold.train.rows) & set(fold.valid.rows)
        assert fold.test is split.test
        assert len(fold.valid) in (3, 4)
        held += list(fold.valid.rows)
    assert sorted(held) == list(range(11))


def test_the_seed_deals_the_rows() -> None:
    split = _split(40)
    again = fold_of(split, 1, 4, seed=1).valid.rows
    assert list(fold_of(split, 1, 4, seed=1).valid.rows) == list(again)
    assert list(fold_of(split, 1, 4, seed=2).valid.rows) != list(again)


def test_more_folds_than_rows_are_refused() -> None:
    with pytest.raises(ModelsError, match=r"at most as many as the train part's rows, but got 5"):
        fold_of(_split(4), 1, 5, seed=0)
